//! Commands that are sent together.

use super::LinkError;
use holdfast_resp::{Value, encode_command};

/// Encoded commands and their names.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    names: Vec<String>,
}

impl Batch {
    /// One more command.
    pub(super) fn add(&mut self, args: &[&str]) {
        encode_command(args, &mut self.bytes);
        self.names
            .push(args.iter().take(2).copied().collect::<Vec<_>>().join(" "));
    }

    /// Commands that the server executes as one: all, with nothing between, or none.
    pub(super) fn transaction(&mut self, commands: &[&[&str]]) {
        self.add(&["MULTI"]);
        for args in commands {
            self.add(args);
        }
        self.add(&["EXEC"]);
    }

    /// The encoded commands.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many replies they will have.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The first error among the replies; in a refused transaction that of the command at fault.
    pub(super) fn check(&self, replies: &[Value]) -> Result<(), LinkError> {
        for (name, reply) in self.names.iter().zip(replies) {
            let inner = reply.as_slice().unwrap_or_default();
            if let Some(said) = std::iter::once(reply).chain(inner).find_map(Value::error) {
                return Err(refusal(name, &said));
            }
        }
        Ok(())
    }
}

fn refusal(command: &str, said: &str) -> LinkError {
    match said.split(' ').next() {
        Some("LOADING") => LinkError::Loading,
        Some("BUSY") => LinkError::Busy,
        _ => LinkError::Refused {
            command: command.to_owned(),
            said: said.to_owned(),
        },
    }
}
