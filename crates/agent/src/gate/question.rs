//! A question that the gate asks on a client's own connection, between two requests: how far has the server come, and what
//! does it think of this session?
//!
//! A command that no server knows is answered at once and by everybody's right, with its name in the answer. The name is
//! random, so the line is found among replies that nobody parses: before it is what the client asked for, behind it what
//! `CLIENT INFO` tells. It is never asked inside a transaction.

use holdfast_core::session::Seen;

/// How every server begins to say that it does not know a command.
const UNKNOWN: &[u8] = b"-ERR unknown command ";

/// Bytes of such a line, and of the header that follows it.
const LINE_MAX: usize = 1 << 10;

/// Bytes that `CLIENT INFO` may have.
const INFO_MAX: usize = 16 << 10;

/// The answer is not one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled;

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Unanswered,
    /// The line has come.
    Reached,
    /// All has come; what `CLIENT INFO` told, if it may be asked.
    Answered(Option<Box<Seen>>),
}

/// One question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    token: String,
    kept: Vec<u8>,
    stage: Stage,
}

impl Question {
    /// `token` is said by nobody else.
    pub(super) fn new(token: String) -> Self {
        Self {
            token,
            kept: Vec::new(),
            stage: Stage::Unanswered,
        }
    }

    /// The question as bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        holdfast_resp::encode_command(&[&self.token], &mut out);
        holdfast_resp::encode_command(&["CLIENT", "INFO"], &mut out);
        out
    }

    /// The whole answer has come.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Answered(_))
    }

    /// What the server thinks of the session, if it has said so.
    pub(super) fn seen(&self) -> Option<&Seen> {
        match &self.stage {
            Stage::Answered(seen) => seen.as_deref(),
            _ => None,
        }
    }

    /// Nothing of the answer has come, and no bytes that may be the beginning of it.
    pub(super) fn is_unanswered(&self) -> bool {
        self.stage == Stage::Unanswered && self.kept.is_empty()
    }

    /// Takes what the server sent; what is the client's goes to `out`.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Garbled> {
        self.kept.extend_from_slice(bytes);
        if self.stage == Stage::Unanswered {
            self.look_for_line(out);
        }
        if self.stage == Stage::Reached {
            self.look_for_info()?;
        }
        if matches!(self.stage, Stage::Answered(_)) {
            out.append(&mut self.kept);
        }
        Ok(())
    }

    fn look_for_line(&mut self, out: &mut Vec<u8>) {
        while let Some(start) = position(&self.kept, UNKNOWN) {
            out.extend(self.kept.drain(..start));
            let Some(end) = position(&self.kept, b"\r\n") else {
                if self.kept.len() <= LINE_MAX {
                    return;
                }
                out.extend(self.kept.drain(..UNKNOWN.len()));
                continue;
            };
            if position(&self.kept[..end], self.token.as_bytes()).is_some() {
                self.kept.drain(..end + 2);
                self.stage = Stage::Reached;
                return;
            }
            // Somebody else's mistake.
            out.extend(self.kept.drain(..UNKNOWN.len()));
        }
        let begun = (1..UNKNOWN.len()).rev();
        let begun = begun
            .into_iter()
            .find(|length| self.kept.ends_with(&UNKNOWN[..*length]));
        let known = self.kept.len() - begun.unwrap_or(0);
        out.extend(self.kept.drain(..known));
    }

    fn look_for_info(&mut self) -> Result<(), Garbled> {
        let Some(end) = position(&self.kept, b"\r\n") else {
            return if self.kept.len() > LINE_MAX {
                Err(Garbled)
            } else {
                Ok(())
            };
        };
        let line = std::str::from_utf8(&self.kept[..end]).map_err(|_| Garbled)?;
        let length = match line.split_at_checked(1) {
            Some(("-", _)) => {
                self.kept.drain(..end + 2);
                self.stage = Stage::Answered(None);
                return Ok(());
            }
            Some(("$" | "=", length)) => length.parse::<usize>().map_err(|_| Garbled)?,
            _ => return Err(Garbled),
        };
        let until = end + 2 + length;
        if length > INFO_MAX {
            return Err(Garbled);
        }
        if self.kept.len() < until + 2 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&self.kept[end + 2..until]);
        let seen = Seen::read(text.strip_prefix("txt:").unwrap_or(&text)).ok_or(Garbled)?;
        self.kept.drain(..until + 2);
        self.stage = Stage::Answered(Some(Box::new(seen)));
        Ok(())
    }
}

fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const INFO: &str = "id=3 addr=x name= db=0 sub=0 psub=0 ssub=0 multi=-1 flags=U user=default redir=-1 resp=2\n";

    #[test]
    fn the_answer_is_taken_out_however_it_comes() {
        let line = "-ERR unknown command 'token', with args beginning with: \r\n";
        let stranger = "-ERR unknown command 'other', with args beginning with: \r\n";
        let before = format!("+OK\r\n{stranger}$4\r\n-ERR\r\n");
        let stream = format!("{before}{line}${}\r\n{INFO}\r\n+behind\r\n", INFO.len());
        for cut in 0..stream.len() {
            let mut question = Question::new("token".to_owned());
            let mut out = Vec::new();
            question.take(&stream.as_bytes()[..cut], &mut out).unwrap();
            question.take(&stream.as_bytes()[cut..], &mut out).unwrap();
            assert_eq!(out, format!("{before}+behind\r\n").as_bytes(), "{cut}");
            assert!(question.seen().is_some());
        }
    }

    #[test]
    fn what_may_not_be_asked_is_not_told_and_garbage_is_noticed() {
        let line = b"-ERR unknown command `token`, with args beginning with: \r\n";
        let after = |rest: &[u8]| {
            let mut question = Question::new("token".to_owned());
            let taken = question.take(&[&line[..], rest].concat(), &mut Vec::new());
            taken.map(|()| (question.is_answered(), question.seen().is_some()))
        };
        assert_eq!(after(b"-NOPERM no\r\n"), Ok((true, false)));
        assert_eq!(after(b"$100\r\nid"), Ok((false, false)));
        assert_eq!(after(b"+QUEUED\r\n"), Err(Garbled));
        assert_eq!(after(b"$5\r\nid=3\n\r\n"), Err(Garbled));
        // A reply that only begins like it is not kept back for long.
        let mut question = Question::new("token".to_owned());
        let mut out = Vec::new();
        question.take(b"+OK\r\n", &mut out).unwrap();
        assert!(out == b"+OK\r\n" && question.is_unanswered());
    }
}
