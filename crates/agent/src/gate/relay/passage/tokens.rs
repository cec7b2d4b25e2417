//! Words by which a gate knows the answers to its own questions.

/// Words that nobody else says.
#[derive(Default)]
pub(in crate::gate) struct Tokens {
    secret: [u8; 32],
    count: u64,
}

impl Tokens {
    /// Draws a secret from the kernel.
    pub(in crate::gate) fn new() -> std::io::Result<Self> {
        use std::io::Read;
        let mut secret = [0; 32];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
        Ok(Self { secret, count: 0 })
    }

    pub(super) fn next(&mut self) -> String {
        use sha2::{Digest, Sha256};
        use std::fmt::Write;
        self.count += 1;
        let digest = Sha256::digest([&self.secret[..], &self.count.to_le_bytes()].concat());
        digest[..16]
            .iter()
            .fold("holdfast-".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}
