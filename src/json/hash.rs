//! Hashes of text.

use std::hash::{BuildHasher, Hasher};

/// The strong entity tag of a body (RFC 9110, 8.8.3), with its quotes: equal bytes have equal tags, also after a restart.
pub fn tag(body: &[u8]) -> String {
    format!("\"{:016x}\"", fingerprint(body))
}

/// A hash of `bytes` that is the same in every run of this version.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}
