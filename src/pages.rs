//! How the system backs large memory.

/// From that size on it is worth a word to the system.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// Asks the system to back the memory of `room` by large pages, best before it is first written to. Who looks at a place
/// here and a place there of a hundred megabytes of small pages has two misses each time: one for the place, and one for
/// where its page is. Does nothing where there is little memory, or no such pages.
pub(crate) fn large<T>(room: &mut Vec<T>) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 2 << 20;
        let start = room.as_mut_ptr() as usize;
        let end = start + room.capacity() * size_of::<T>();
        let (first, last) = (start.next_multiple_of(PAGE), end / PAGE * PAGE);
        if end - start >= LARGE && first < last {
            advise(first, last - first);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}

/// No crate that we have offers this without the same word.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn advise(start: usize, length: usize) {
    // SAFETY: `MADV_HUGEPAGE` changes neither what the memory holds nor who may use it, only how the system backs it
    // (madvise(2)). The range lies within the memory of one vector. Should the system refuse, all stays as it was.
    unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_HUGEPAGE) };
}
