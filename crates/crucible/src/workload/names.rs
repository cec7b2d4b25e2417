//! Keys of a round. Every round has its own tag, so rounds on one group do not see each other.

/// Key of one unique `SET`.
pub fn set_key(tag: &str, client: u16, sequence: u64) -> String {
    format!("crucible:{tag}:set:{client}:{sequence}")
}

/// Key of one client's list.
pub fn list_key(tag: &str, client: u16) -> String {
    format!("crucible:{tag}:list:{client}")
}

/// Key of the counter.
pub fn counter_key(tag: &str) -> String {
    format!("crucible:{tag}:counter")
}

/// Key of the register.
pub fn register_key(tag: &str) -> String {
    format!("crucible:{tag}:register")
}
