#![allow(clippy::unwrap_used)]
use super::*;
use crate::commands::find_id;

fn acl(lines: &[&str]) -> Acl {
    Acl::from_configuration(None, lines).unwrap()
}

fn allows(acl: &Acl, user: &str, command: &str) -> bool {
    acl.user(user).unwrap().allows(find_id(command).unwrap())
}

#[test]
fn open_until_a_password_is_required() {
    assert!(Acl::default().open_to_all());
    let closed = Acl::from_configuration::<&str>(Some("secret"), &[]).unwrap();
    assert!(!closed.open_to_all());
    assert!(closed.authenticates(b"default", b"secret"));
    assert!(!closed.authenticates(b"default", b"Secret"));
    assert!(!closed.authenticates(b"nobody", b"secret"));
}

#[test]
fn the_last_rule_that_names_a_command_decides() {
    let acl = acl(&[
        "user reader on >pw -@all +sentinel|masters +ping +@pubsub -publish",
        "user most on nopass +@all -@dangerous +info",
    ]);
    for (command, allowed) in [
        ("sentinel|masters", true),
        ("sentinel|failover", false),
        ("ping", true),
        ("subscribe", true),
        ("publish", false),
        ("acl|setuser", false),
    ] {
        assert_eq!(allows(&acl, "reader", command), allowed, "{command}");
    }
    assert!(
        allows(&acl, "most", "info")
            && allows(&acl, "most", "ping")
            && !allows(&acl, "most", "sentinel|masters")
    );
}

#[test]
fn channels_are_enforced() {
    let acl = acl(&["user a on nopass +@all &+sw* &-sdown"]);
    let user = acl.user("a").unwrap();
    assert!(user.may_subscribe(b"+switch-master", false) && !user.may_subscribe(b"+sdown", false));
    assert!(user.may_subscribe(b"+sw*", true) && !user.may_subscribe(b"*", true));
}

#[test]
fn a_user_who_is_off_cannot_log_in() {
    assert!(!acl(&["user a off >pw +@all"]).authenticates(b"a", b"pw"));
    assert!(acl(&["user a on >old >pw <old"]).authenticates(b"a", b"pw"));
    assert!(!acl(&["user a on >old >pw <old"]).authenticates(b"a", b"old"));
}

#[test]
fn lines_survive_the_round_trip() {
    let lines = [
        "user bob on #30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 resetchannels -@all +ping +sentinel|myid",
        "user carol off resetchannels -@all",
        "user default on nopass ~* &* +@all",
    ];
    let acl = acl(&lines);
    assert_eq!(
        acl.users()
            .map(|(name, user)| user.line(name))
            .collect::<Vec<_>>(),
        lines
    );
}

#[test]
fn errors_hide_passwords() {
    let refused = Acl::default().with_user("x", [&b"<nope"[..]]).unwrap_err();
    assert!(!refused.to_string().contains("nope"), "{refused}");
    let refused = Acl::default().with_user("x", [&b"bar"[..]]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Error in ACL SETUSER modifier 'bar': Syntax error"
    );
    assert!(Acl::default().with_user("x", [&b"+get"[..]]).is_err());
    assert!(Acl::default().with_user("x", [&b"#abc"[..]]).is_err());
    assert_eq!(
        Acl::default().with_user("a b", []).unwrap_err(),
        AclError::Name
    );
}
