//! Integers and doubles as the wire writes them.

/// Reads a decimal integer as strictly as redis-server: no plus sign, no blanks, no leading zeros, no overflow.
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let well_formed = match digits {
        [b'0'] => !negative,
        [b'1'..=b'9', ..] => digits.len() <= 19,
        _ => false,
    };
    if !well_formed {
        return None;
    }
    let magnitude = digits.iter().try_fold(0_i64, |sum, digit| {
        let digit = i64::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
        let digit = if negative { -digit } else { digit };
        sum.checked_mul(10)?.checked_add(digit)
    })?;
    Some(magnitude)
}

/// Reads a double of RESP3: decimal with optional exponent, `inf`, `-inf` or `nan`.
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    match text {
        b"inf" => Some(f64::INFINITY),
        b"-inf" => Some(f64::NEG_INFINITY),
        b"nan" | b"-nan" => Some(f64::NAN),
        _ if text
            .iter()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(b)) =>
        {
            std::str::from_utf8(text).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// Writes a double so that [`parse_double`] gives back the same number.
pub(crate) fn format_double(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        "nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else if size != 0.0 && !(1e-5..1e17).contains(&size) {
        format!("{number:e}")
    } else {
        format!("{number}")
    }
}

/// Calls `write` with the decimal digits of `number`; no allocation.
pub(crate) fn with_digits(number: i64, write: impl FnOnce(&[u8])) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    write(&digits[at..]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::*;

    #[test]
    fn integers_are_read_strictly() {
        for (text, number) in [("0", 0), ("-1", -1), ("42", 42)] {
            assert_eq!(parse_integer(text.as_bytes()), Some(number));
        }
        assert_eq!(parse_integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_integer(b"-9223372036854775808"), Some(i64::MIN));
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            " 1",
            "1 ",
            "1a",
            "9223372036854775808",
        ] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn digits_of_the_extremes() {
        for number in [0, 7, -7, i64::MAX, i64::MIN] {
            with_digits(number, |text| {
                assert_eq!(text, number.to_string().as_bytes());
            });
        }
    }

    #[test]
    fn doubles_survive_the_round_trip() {
        for number in [
            0.0,
            1.0,
            -1.5,
            0.1,
            1e300,
            1e-300,
            f64::MAX,
            f64::MIN_POSITIVE,
        ] {
            assert_eq!(parse_double(format_double(number).as_bytes()), Some(number));
        }
        assert_eq!(format_double(3.0), "3");
        assert!(parse_double(b"infinity").is_none() && parse_double(b"").is_none());
    }
}
