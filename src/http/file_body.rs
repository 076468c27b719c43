//! A body that is read from a file while it is sent.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use warp::Reply;
use warp::http::{Response, header};

/// How much of a file is read at a time.
const PIECE: u64 = 128 * 1024;

/// A body that is read from a file while it is sent: an extension of a response without one.
#[derive(Debug, Clone)]
pub(super) struct FileBody {
    /// The file, at the place where the body begins.
    file: Arc<File>,
    /// Bytes of the body.
    length: u64,
    /// Only the head of the response is asked for.
    is_head: bool,
}

impl FileBody {
    /// `length` bytes of `file` from its place on.
    pub(super) fn new(file: File, length: u64, is_head: bool) -> FileBody {
        FileBody {
            file: Arc::new(file),
            length,
            is_head,
        }
    }

    /// Bytes of the body.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The response as warp sends it.
    pub(super) fn send(self, response: Response<Bytes>) -> warp::reply::Response {
        let length = self.length;
        let mut response = if self.is_head {
            response.map(Into::into)
        } else {
            let (parts, _) = response.into_parts();
            let pieces = stream::try_unfold(self, FileBody::next);
            let (_, body) = warp::reply::stream(pieces).into_response().into_parts();
            Response::from_parts(parts, body)
        };
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
        response
    }

    /// The next piece. A file that has become shorter ends the connection, since its length has been sent.
    async fn next(mut self) -> io::Result<Option<(Bytes, FileBody)>> {
        if self.length == 0 {
            return Ok(None);
        }
        let read = move || {
            let mut piece = Vec::new();
            let most = self.length.min(PIECE);
            self.file.as_ref().take(most).read_to_end(&mut piece)?;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.length -= piece.len() as u64;
            Ok(Some((Bytes::from(piece), self)))
        };
        tokio::task::spawn_blocking(read).await?
    }
}
