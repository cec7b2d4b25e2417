//! Events: what subscribers are told, in the exact words of Sentinel. The channel is the event's name.

use std::fmt;
use std::sync::Arc;

use crate::Address;

/// One published event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Name of the event, and of its channel.
    pub channel: &'static str,
    /// The text. Clients split it at blanks and look for `master <group> ` and `@ <group> `: the spacing is part of it.
    pub payload: Arc<str>,
}

/// The instance that an event is about: `<type> <name> <ip> <port>`, and for replicas and sentinels the group that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    text: String,
}

impl Subject {
    /// The primary of `group`.
    pub fn primary(group: &str, at: &Address) -> Self {
        Self {
            text: format!("master {group} {} {}", at.host, at.port),
        }
    }

    /// A replica of `group`, whose primary is at `primary`.
    pub fn replica(at: &Address, group: &str, primary: &Address) -> Self {
        Self::member("slave", &at.to_string(), at, group, primary)
    }

    /// The sentinel `id`, which watches `group`, whose primary is at `primary`.
    pub fn sentinel(id: &str, at: &Address, group: &str, primary: &Address) -> Self {
        Self::member("sentinel", id, at, group, primary)
    }

    fn member(kind: &str, name: &str, at: &Address, group: &str, primary: &Address) -> Self {
        let Address { host, port } = primary;
        Self {
            text: format!(
                "{kind} {name} {} {} @ {group} {host} {port}",
                at.host, at.port
            ),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Events whose payload is their subject and nothing else.
macro_rules! subject_events {
    ($($(#[$doc:meta])* $name:ident => $channel:literal,)*) => {
        impl Event {
            $(
                #[doc = concat!("`", $channel, "`: ")]
                $(#[$doc])*
                pub fn $name(subject: &Subject) -> Self {
                    Self::new($channel, subject.to_string())
                }
            )*
        }
    };
}

subject_events! {
    /// a group is no longer watched.
    unmonitor => "-monitor",
    /// a group's state was reset.
    reset_master => "+reset-master",
    /// this sentinel finds the instance down.
    sdown => "+sdown",
    /// this sentinel no longer finds the instance down.
    sdown_over => "-sdown",
    /// a quorum no longer finds the primary down.
    odown_over => "-odown",
    /// a failover is attempted.
    try_failover => "+try-failover",
    /// this sentinel leads the failover.
    elected_leader => "+elected-leader",
    /// positions are compared.
    select_slave => "+failover-state-select-slave",
    /// the replica to promote is chosen.
    selected_slave => "+selected-slave",
    /// the chosen replica is told to become primary.
    send_slaveof_noone => "+failover-state-send-slaveof-noone",
    /// its new role is awaited.
    wait_promotion => "+failover-state-wait-promotion",
    /// it reports its new role.
    promoted_slave => "+promoted-slave",
    /// the others are told to follow.
    reconf_slaves => "+failover-state-reconf-slaves",
    /// a replica was told to follow the new primary.
    slave_reconf_sent => "+slave-reconf-sent",
    /// it synchronises.
    slave_reconf_inprog => "+slave-reconf-inprog",
    /// it follows.
    slave_reconf_done => "+slave-reconf-done",
    /// told at the end of a failover that ran out of time.
    slave_reconf_sent_be => "+slave-reconf-sent-be",
    /// it did not begin to follow in time.
    slave_reconf_sent_timeout => "-slave-reconf-sent-timeout",
    /// the failover is complete.
    failover_end => "+failover-end",
    /// the failover ended with replicas left over.
    failover_end_for_timeout => "+failover-end-for-timeout",
    /// no majority for it.
    abort_not_elected => "-failover-abort-not-elected",
    /// no replica may be promoted.
    abort_no_good_slave => "-failover-abort-no-good-slave",
    /// the chosen replica did not become primary in time.
    abort_slave_timeout => "-failover-abort-slave-timeout",
    /// a handoff did not end in time.
    abort_master_timeout => "-failover-abort-master-timeout",
    /// another sentinel had a newer record.
    config_update_from => "+config-update-from",
    /// a replica is known.
    slave => "+slave",
    /// a sentinel is known.
    sentinel => "+sentinel",
    /// the process was restarted.
    reboot => "+reboot",
    /// a node that called itself primary is made a replica.
    convert_to_slave => "+convert-to-slave",
    /// a replica that followed the wrong node is repointed.
    fix_slave_config => "+fix-slave-config",
    /// a sentinel's old address was given to another.
    sentinel_invalid_addr => "+sentinel-invalid-addr",
}

impl Event {
    fn new(channel: &'static str, payload: String) -> Self {
        Self {
            channel,
            payload: payload.into(),
        }
    }

    /// `+monitor`: a group is watched from now on.
    pub fn monitor(primary: &Subject, quorum: u32) -> Self {
        Self::new("+monitor", format!("{primary} quorum {quorum}"))
    }

    /// `+set`: a setting was changed. Secrets must come masked.
    pub fn set(primary: &Subject, option: &str, value: &str) -> Self {
        Self::new("+set", format!("{primary} {option} {value}"))
    }

    /// `+odown`: `have` of the `needed` sentinels find the primary down.
    pub fn odown(primary: &Subject, have: u32, needed: u32) -> Self {
        Self::new("+odown", format!("{primary} #quorum {have}/{needed}"))
    }

    /// `+new-epoch`.
    pub fn new_epoch(epoch: u64) -> Self {
        Self::new("+new-epoch", epoch.to_string())
    }

    /// `+vote-for-leader`.
    pub fn vote_for_leader(run_id: &str, epoch: u64) -> Self {
        Self::new("+vote-for-leader", format!("{run_id} {epoch}"))
    }

    /// `+switch-master`: what most clients live on.
    pub fn switch_master(group: &str, old: &Address, new: &Address) -> Self {
        let payload = format!(
            "{group} {} {} {} {}",
            old.host, old.port, new.host, new.port
        );
        Self::new("+switch-master", payload)
    }

    /// `+role-change` (the new role is the configured one) or `-role-change` (it contradicts the configuration).
    pub fn role_change(subject: &Subject, is_primary: bool, as_configured: bool) -> Self {
        let channel = if as_configured {
            "+role-change"
        } else {
            "-role-change"
        };
        let role = if is_primary { "master" } else { "slave" };
        Self::new(channel, format!("{subject} new reported role is {role}"))
    }

    /// `+sentinel-address-switch`: the sentinel `id` moved.
    pub fn sentinel_address_switch(primary: &Subject, to: &Address, id: &str) -> Self {
        let payload = format!("{primary} ip {} port {} for {id}", to.host, to.port);
        Self::new("+sentinel-address-switch", payload)
    }

    /// `+sentinel-address-update`: its address was changed in `others` further groups.
    pub fn sentinel_address_update(sentinel: &Subject, others: u32) -> Self {
        Self::new(
            "+sentinel-address-update",
            format!("{sentinel} {others} additional matching instances"),
        )
    }

    /// `+tilt`: this sentinel distrusts its own view.
    pub fn tilt() -> Self {
        Self::new("+tilt", "#tilt mode entered".to_owned())
    }

    /// `-tilt`: it trusts its view again.
    pub fn tilt_over() -> Self {
        Self::new("-tilt", "#tilt mode exited".to_owned())
    }

    /// `-script-error`.
    pub fn script_error(path: &str, signal: i32, exit_code: i32) -> Self {
        Self::new("-script-error", format!("{path} {signal} {exit_code}"))
    }

    /// `-script-timeout`.
    pub fn script_timeout(path: &str, pid: i32) -> Self {
        Self::new("-script-timeout", format!("{path} {pid}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_word_for_word() {
        let (old, new) = (
            Address::new("10.0.0.1", 6379),
            Address::new("10.0.0.2", 6380),
        );
        let primary = Subject::primary("mymaster", &old);
        let replica = Subject::replica(&new, "mymaster", &old);
        let sentinel = Subject::sentinel("abc", &Address::new("10.0.0.9", 26379), "mymaster", &old);
        let inst = "slave 10.0.0.2:6380 10.0.0.2 6380 @ mymaster 10.0.0.1 6379";
        let cases = [
            (
                Event::switch_master("mymaster", &old, &new),
                "+switch-master",
                "mymaster 10.0.0.1 6379 10.0.0.2 6380",
            ),
            (
                Event::sdown(&primary),
                "+sdown",
                "master mymaster 10.0.0.1 6379",
            ),
            (Event::sdown_over(&replica), "-sdown", inst),
            (Event::slave(&replica), "+slave", inst),
            (
                Event::sentinel(&sentinel),
                "+sentinel",
                "sentinel abc 10.0.0.9 26379 @ mymaster 10.0.0.1 6379",
            ),
            (
                Event::odown(&primary, 2, 2),
                "+odown",
                "master mymaster 10.0.0.1 6379 #quorum 2/2",
            ),
            (
                Event::monitor(&primary, 2),
                "+monitor",
                "master mymaster 10.0.0.1 6379 quorum 2",
            ),
            (
                Event::set(&primary, "failover-timeout", "1000"),
                "+set",
                "master mymaster 10.0.0.1 6379 failover-timeout 1000",
            ),
            (
                Event::role_change(&primary, false, false),
                "-role-change",
                "master mymaster 10.0.0.1 6379 new reported role is slave",
            ),
            (Event::new_epoch(7), "+new-epoch", "7"),
            (
                Event::vote_for_leader("abc", 7),
                "+vote-for-leader",
                "abc 7",
            ),
            (Event::tilt(), "+tilt", "#tilt mode entered"),
            (Event::tilt_over(), "-tilt", "#tilt mode exited"),
            (
                Event::sentinel_address_switch(&primary, &new, "abc"),
                "+sentinel-address-switch",
                "master mymaster 10.0.0.1 6379 ip 10.0.0.2 port 6380 for abc",
            ),
        ];
        for (event, channel, payload) in cases {
            assert_eq!((event.channel, &*event.payload), (channel, payload));
        }
    }

    #[test]
    fn a_replica_with_an_ipv6_address_is_named_in_brackets() {
        let at = Address::new("::1", 6379);
        let text = Subject::replica(&at, "g", &at).to_string();
        assert_eq!(text, "slave [::1]:6379 ::1 6379 @ g ::1 6379");
    }
}
