//! Patterns as redis-server matches them: `*`, `?`, `[a-z]`, `[^x]`, `\` before a special character.

/// Does `text` match `pattern`? Bytes, not characters; case counts.
///
/// The walk is bounded by `pattern.len() * text.len()` steps: a star remembers only its last position, so no pattern can make it explode.
pub fn glob_matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some((b'*', after)) = pattern.split_first() {
            pattern = after;
            star = Some((after, text));
            continue;
        }
        let step = if text.is_empty() {
            None
        } else {
            match_one(pattern, text[0])
        };
        if let Some(after) = step {
            (pattern, text) = (after, &text[1..]);
        } else if pattern.is_empty() && text.is_empty() {
            return true;
        } else {
            // Let the last star swallow one byte more.
            let Some((after, [_, rest @ ..])) = star else {
                return false;
            };
            (pattern, text) = (after, rest);
            star = Some((after, rest));
        }
    }
}

/// Matches one byte against the front of the pattern; what remains of the pattern if it fits.
fn match_one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', after @ ..] => Some(after),
        [b'[', after @ ..] => match_class(after, byte),
        [b'\\', literal, after @ ..] | [literal, after @ ..] => (*literal == byte).then_some(after),
    }
}

/// Matches one byte against `[…]`, without the opening bracket. An unclosed class ends with the pattern, as in redis-server.
fn match_class(class: &[u8], byte: u8) -> Option<&[u8]> {
    let (negated, mut rest) = match class {
        [b'^', after @ ..] => (true, after),
        _ => (false, class),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => break,
            [b']', after @ ..] => {
                rest = after;
                break;
            }
            [b'\\', literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
            [low, b'-', high, after @ ..] => {
                found |= (*low.min(high)..=*low.max(high)).contains(&byte);
                after
            }
            [literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
        };
    }
    (found != negated).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn patterns_as_redis_matches_them() {
        let cases = [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("+s*", "+switch-master", true),
            ("*-master", "+switch-master", true),
            ("[-+]sdown", "+sdown", true),
            ("[-+]sdown", "-sdown", true),
            ("[-+]sdown", "xsdown", false),
            ("[^a]b", "cb", true),
            ("[^a]b", "ab", false),
            ("[z-a]x", "mx", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("[\\]]", "]", true),
            ("[abc", "b", true),
            ("**a**b", "xxaxxb", true),
            ("*a*b", "xxaxxbc", false),
            ("switch-master", "+switch-master", false),
            ("My*", "mymaster", false),
        ];
        for (pattern, text, fits) in cases {
            assert_eq!(
                glob_matches(pattern.as_bytes(), text.as_bytes()),
                fits,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn hostile_patterns_end_soon() {
        let pattern = "*a".repeat(2_000) + "b";
        assert!(!glob_matches(
            pattern.as_bytes(),
            "a".repeat(20_000).as_bytes()
        ));
    }
}
