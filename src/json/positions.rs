//! Byte positions in text that is known to be JSON.

/// The bytes from `start` on that are outside strings, and the opening quote of each string, with their offsets.
pub(super) fn outside_strings(bytes: &[u8], start: usize) -> impl Iterator<Item = (usize, u8)> {
    let mut next = start;
    std::iter::from_fn(move || {
        let (at, byte) = (next, *bytes.get(next)?);
        next = if byte == b'"' {
            string_end(bytes, at)
        } else {
            at + 1
        };
        Some((at, byte))
    })
}

/// The end of the value that begins at `start`, in valid JSON.
pub(super) fn value_end(bytes: &[u8], start: usize) -> usize {
    match bytes.get(start) {
        Some(b'"') => string_end(bytes, start),
        Some(b'{' | b'[') => {
            let mut depth = 0usize;
            let close = outside_strings(bytes, start).find(|(_, byte)| {
                match byte {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                depth == 0
            });
            close.map_or(bytes.len(), |(at, _)| at + 1)
        }
        _ => word_end(bytes, start),
    }
}

/// The end of the string literal that begins at `start`, in valid JSON.
pub(super) fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        at += plain(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// The end of the number or word that begins at `start`, in valid JSON.
pub(super) fn word_end(bytes: &[u8], start: usize) -> usize {
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
    bytes
        .get(start..)
        .unwrap_or_default()
        .iter()
        .position(is_end)
        .map_or(bytes.len(), |length| start + length)
}

/// The first byte from `at` on that is not white space.
#[inline(always)]
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
        // An indent is passed eight spaces at a time.
        while bytes
            .get(at..at + 8)
            .is_some_and(|part| part == b"        ")
        {
            at += 8;
        }
    }
    at
}

/// How many of the first bytes of `rest` are neither a quote nor a backslash, rounded down to eight where none is found.
/// Most strings are too short for memchr to pay.
#[inline(always)]
fn plain(rest: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Marks the bytes that are zero. The lowest mark is exact; those above it may come of a borrow.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, _) = rest.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let of = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
        let found = of(b'"') | of(b'\\');
        if found != 0 {
            return number * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8
}
