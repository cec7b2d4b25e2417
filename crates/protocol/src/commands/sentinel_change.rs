//! The SENTINEL subcommands that change something: forwarded to the sentinel, or refused with the way Holdfast does it.

use super::sentinel::named_group;
use super::{Call, Outcome, ReplyForm, stranger};
use crate::{ActionKind, Setting, glob_matches};

pub(super) fn failover(call: &mut Call<'_>) -> Outcome {
    let coordinated = call.request.is(3, "coordinated");
    if call.request.len() > 4 || (call.request.len() == 4 && !coordinated) {
        return call.syntax_error();
    }
    let Some(group) = named_group(call, 2) else {
        return Outcome::Done;
    };
    if group.failover.is_some() {
        return call.error("INPROG Failover already in progress");
    }
    Outcome::Action(
        ActionKind::Failover {
            group: group.name.clone(),
            coordinated,
        },
        ReplyForm::Ok,
    )
}

pub(super) fn reset(call: &mut Call<'_>) -> Outcome {
    let pattern = call.request.get(2);
    if !call
        .env
        .view
        .groups
        .iter()
        .any(|group| glob_matches(pattern, group.name.as_bytes()))
    {
        call.reply.integer(0);
        return Outcome::Done;
    }
    Outcome::Action(
        ActionKind::Reset {
            pattern: call.request.text(2),
        },
        ReplyForm::Integer,
    )
}

pub(super) fn set(call: &mut Call<'_>) -> Outcome {
    let Some(group) = named_group(call, 2) else {
        return Outcome::Done;
    };
    let mut settings = Vec::new();
    for at in (3..call.request.len()).step_by(2) {
        let option = call.request.text(at);
        if at + 1 >= call.request.len() {
            return call.error(unknown_option(&option));
        }
        match read_setting(&option, &call.request.text(at + 1)) {
            Ok(setting) => settings.push(setting),
            Err(text) => return call.error(text),
        }
    }
    Outcome::Action(
        ActionKind::Set {
            group: group.name.clone(),
            settings,
        },
        ReplyForm::Ok,
    )
}

fn unknown_option(option: &str) -> String {
    format!("ERR Unknown option or number of arguments for SENTINEL SET '{option}'")
}

fn read_setting(option: &str, value: &str) -> Result<Setting, String> {
    let number = || {
        let number = value
            .parse::<u32>()
            .ok()
            .filter(|number| *number > 0 && i32::try_from(*number).is_ok());
        number.ok_or_else(|| format!("ERR Invalid argument '{value}' for SENTINEL SET '{option}'"))
    };
    let elsewhere = |why: &str| {
        Err(format!(
            "ERR Holdfast: '{option}' cannot be set here: {why}"
        ))
    };
    match option.to_ascii_lowercase().as_str() {
        "down-after-milliseconds" => Ok(Setting::DownAfterMs(number()?.into())),
        "failover-timeout" => Ok(Setting::FailoverTimeoutMs(number()?.into())),
        "parallel-syncs" => Ok(Setting::ParallelSyncs(number()?)),
        "quorum" => number().and(elsewhere(
            "the quorum is always a majority of the sentinels in the configuration file",
        )),
        "auth-pass" | "auth-user" => {
            elsewhere("passwords are in the configuration files of sentinel and agent")
        }
        "notification-script" | "client-reconfig-script" => {
            elsewhere("scripts are not run; subscribe to the events instead")
        }
        "rename-command" => elsewhere("the agent talks to its server by itself"),
        "master-reboot-down-after-period" | "primary-reboot-down-after-period" => {
            elsewhere("a restarted server has no vote until it has caught up")
        }
        _ => Err(unknown_option(option)),
    }
}

pub(super) fn config(call: &mut Call<'_>) -> Outcome {
    if call.request.is(2, "get") && call.request.len() >= 4 {
        return config_get(call);
    }
    if call.request.is(2, "set") && call.request.len() >= 5 {
        return config_set(call);
    }
    call.error(
        "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / \
         SET <param> <value> [<param> <value> ...] are supported.",
    )
}

/// Names in the order of the reply. The credentials are never shown: there are none towards other sentinels.
const PARAMETERS: [&str; 7] = [
    "resolve-hostnames",
    "announce-hostnames",
    "announce-ip",
    "announce-port",
    "sentinel-user",
    "sentinel-pass",
    "loglevel",
];

fn config_get(call: &mut Call<'_>) -> Outcome {
    let settings = &call.env.view.settings;
    let request = call.request;
    let fits = |name: &&str| {
        let mut patterns = request.from(3).map(<[u8]>::to_ascii_lowercase);
        patterns.any(|pattern| glob_matches(&pattern, name.as_bytes()))
    };
    let yes_no = |yes| {
        if yes {
            "yes".to_owned()
        } else {
            "no".to_owned()
        }
    };
    let shown: Vec<_> = PARAMETERS.into_iter().filter(fits).collect();
    call.reply.map(shown.len());
    for name in shown {
        let value = match name {
            "resolve-hostnames" => yes_no(settings.resolve_hostnames),
            "announce-hostnames" => yes_no(settings.announce_hostnames),
            "announce-ip" => settings.announce_ip.clone(),
            "announce-port" => settings.announce_port.to_string(),
            "loglevel" => settings.log_level.clone(),
            _ => String::new(),
        };
        call.reply.bulk(name);
        call.reply.bulk(value);
    }
    Outcome::Done
}

fn config_set(call: &mut Call<'_>) -> Outcome {
    if call.session.is_stranger() {
        return call.error(stranger("sentinel|config set"));
    }
    let name = call.request.text(3);
    if !PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) {
        return call.error(format!(
            "ERR Invalid argument '{name}' to SENTINEL CONFIG SET"
        ));
    }
    call.error(format!(
        "ERR Holdfast: '{name}' is set in the sentinel's configuration file"
    ))
}

/// Whatever was agreed on is on disk before anybody is told: there is nothing to flush.
pub(super) fn flushconfig(call: &mut Call<'_>) -> Outcome {
    call.ok()
}

pub(super) fn monitor(call: &mut Call<'_>) -> Outcome {
    call.error("ERR Holdfast: groups are added in the sentinel's configuration file, their nodes by starting agents")
}

pub(super) fn remove(call: &mut Call<'_>) -> Outcome {
    call.error("ERR Holdfast: groups are removed in the sentinel's configuration file")
}

pub(super) fn debug(call: &mut Call<'_>) -> Outcome {
    call.error("ERR Holdfast: there are no DEBUG parameters; times adapt to what is seen")
}

pub(super) fn simulate(call: &mut Call<'_>) -> Outcome {
    call.error(
        "ERR Holdfast: a sentinel does not simulate failures; run `holdfast crucible` for that",
    )
}
