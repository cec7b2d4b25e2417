//! Rules of users: read at once or one by one they make the same user; a refused rule changes nothing; nobody gets in without a
//! password unless the rules say so.
#![no_main]

use holdfast_protocol::Acl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<&str>, &str)| {
    let (rules, password) = input;
    let rules: Vec<&str> = rules
        .iter()
        .flat_map(|rule| rule.split_ascii_whitespace())
        .take(32)
        .collect();
    let bytes = || rules.iter().map(|rule| rule.as_bytes());
    let none = Acl::default();
    let at_once = none.with_user("someone", bytes());
    let one_by_one = bytes().try_fold(
        none.with_user("someone", []).expect("a user"),
        |acl, rule| acl.with_user("someone", [rule]),
    );
    assert_eq!(format!("{at_once:?}"), format!("{one_by_one:?}"));
    let Ok(acl) = at_once else { return };
    let line = format!("user someone {}", rules.join(" "));
    let by_line = Acl::from_configuration(None, &[&line]);
    assert_eq!(format!("{by_line:?}"), format!("{:?}", Ok::<_, ()>(&acl)));
    let user = acl.user("someone").expect("there");
    if acl.authenticates(b"someone", password.as_bytes()) {
        assert!(user.enabled() && (user.needs_no_password() || !user.passwords().is_empty()));
    }
    let reset = acl
        .with_user("someone", [b"reset".as_slice()])
        .expect("a rule");
    assert!(!reset.authenticates(b"someone", password.as_bytes()));
});
