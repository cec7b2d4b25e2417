//! The SENTINEL subcommands that only read the view.

use holdfast_resp::parse_integer;

use super::fields::{Field, primary_fields, replica_fields, sentinel_fields};
use super::{Call, Outcome, help};
use crate::{Group, Node};

const NO_SUCH_GROUP: &str = "ERR No such master with that name";

/// The group that an argument names; otherwise the error is written.
pub(super) fn named_group<'a>(call: &mut Call<'a>, index: usize) -> Option<&'a Group> {
    let group = call.env.view.group(call.request.get(index));
    if group.is_none() {
        call.reply.error(NO_SUCH_GROUP);
    }
    group
}

fn map(call: &mut Call<'_>, fields: &[Field<'_>]) {
    call.reply.map(fields.len());
    for (name, value) in fields {
        call.reply.bulk(name);
        call.reply.bulk(&**value);
    }
}

fn maps(call: &mut Call<'_>, list: &[Vec<Field<'_>>]) -> Outcome {
    call.reply.array(list.len());
    for fields in list {
        map(call, fields);
    }
    Outcome::Done
}

pub(super) fn address(call: &mut Call<'_>) -> Outcome {
    let group = call.env.view.group(call.request.get(2));
    match group.and_then(|group| group.primary.as_ref()) {
        None => call.reply.null_array(),
        Some(node) => {
            call.reply.array(2);
            call.reply.bulk(&node.address.host);
            call.reply.bulk(node.address.port.to_string());
        }
    }
    Outcome::Done
}

pub(super) fn primaries(call: &mut Call<'_>) -> Outcome {
    let (view, now) = (call.env.view, call.env.now);
    let shown = |group: &'_ Group| group.primary.is_some();
    let groups = view.groups.iter().filter(|group| shown(group));
    let list: Vec<_> = groups
        .filter_map(|group| Some(primary_fields(group, group.primary.as_ref()?, now)))
        .collect();
    maps(call, &list)
}

pub(super) fn primary(call: &mut Call<'_>) -> Outcome {
    let group = call.env.view.group(call.request.get(2));
    let Some((group, node)) = group.and_then(|group| Some((group, group.primary.as_ref()?))) else {
        return call.error(NO_SUCH_GROUP);
    };
    let fields = primary_fields(group, node, call.env.now);
    map(call, &fields);
    Outcome::Done
}

pub(super) fn replicas(call: &mut Call<'_>) -> Outcome {
    let now = call.env.now;
    let Some(group) = named_group(call, 2) else {
        return Outcome::Done;
    };
    let shown = group.replicas.iter().filter(|node| !node.hidden);
    let list: Vec<_> = shown.map(|node| replica_fields(group, node, now)).collect();
    maps(call, &list)
}

pub(super) fn sentinels(call: &mut Call<'_>) -> Outcome {
    let now = call.env.now;
    let Some(group) = named_group(call, 2) else {
        return Outcome::Done;
    };
    let list: Vec<_> = group
        .sentinels
        .iter()
        .map(|peer| sentinel_fields(group, peer, now))
        .collect();
    maps(call, &list)
}

pub(super) fn my_id(call: &mut Call<'_>) -> Outcome {
    call.reply.bulk(&call.env.view.my_id);
    Outcome::Done
}

pub(super) fn ckquorum(call: &mut Call<'_>) -> Outcome {
    let Some(group) = named_group(call, 2) else {
        return Outcome::Done;
    };
    match quorum_verdict(group) {
        Ok(text) => call.reply.simple(text),
        Err(text) => call.reply.error(text),
    }
    Outcome::Done
}

/// Could the sentinels that answer depose the primary, and elect a new one? Self always answers.
fn quorum_verdict(group: &Group) -> Result<String, String> {
    let known = group.sentinels.len() + 1;
    let usable = 1 + group
        .sentinels
        .iter()
        .filter(|peer| peer.s_down_since.is_none())
        .count();
    let mut missing = Vec::new();
    if usable < group.quorum as usize {
        missing
            .push("Not enough available Sentinels to reach the specified quorum for this master");
    }
    if usable < known / 2 + 1 {
        missing
            .push("Not enough available Sentinels to reach the majority and authorize a failover");
    }
    if missing.is_empty() {
        Ok(format!(
            "OK {usable} usable Sentinels. Quorum and failover authorization can be reached"
        ))
    } else {
        Err(format!(
            "NOQUORUM {usable} usable Sentinels. {}",
            missing.join(". ")
        ))
    }
}

/// Tells what this sentinel finds, and never votes: Holdfast's votes are not cast here, so no asker can gather any.
pub(super) fn is_down(call: &mut Call<'_>) -> Outcome {
    let (port, epoch) = (
        parse_integer(call.request.get(3)),
        parse_integer(call.request.get(4)),
    );
    let (Some(port), Some(_)) = (port, epoch) else {
        return call.error("ERR value is not an integer or out of range");
    };
    let view = call.env.view;
    let group = u16::try_from(port)
        .ok()
        .and_then(|port| view.group_at(call.request.get(2), port));
    let node = group.and_then(|group| group.primary.as_ref());
    let down = node.is_some_and(|node| node.s_down_since.is_some()) && view.tilt_since.is_none();
    call.reply.array(3);
    call.reply.integer(i64::from(down));
    call.reply.bulk("*");
    call.reply.integer(0);
    Outcome::Done
}

pub(super) fn info_cache(call: &mut Call<'_>) -> Outcome {
    let view = call.env.view;
    let groups: Vec<_> = call
        .request
        .from(2)
        .filter_map(|name| view.group(name))
        .collect();
    call.reply.array(groups.len() * 2);
    for group in groups {
        call.reply.bulk(&group.name);
        call.reply
            .array(group.replicas.len() + usize::from(group.primary.is_some()));
        for node in group.primary.iter().chain(&group.replicas) {
            cached_info(call, node);
        }
    }
    Outcome::Done
}

fn cached_info(call: &mut Call<'_>, node: &Node) {
    let (now, info) = (call.env.now, node.info.as_ref());
    call.reply.array(2);
    call.reply
        .integer(info.map_or(0, |info| now.saturating_sub(info.at)) as i64);
    match info.and_then(|info| info.text.as_ref()) {
        Some(text) => call.reply.bulk(&**text),
        None => call.reply.null(),
    }
}

pub(super) fn pending_scripts(call: &mut Call<'_>) -> Outcome {
    call.reply.array(0);
    Outcome::Done
}

pub(super) fn help(call: &mut Call<'_>) -> Outcome {
    call.lines(help::SENTINEL)
}
