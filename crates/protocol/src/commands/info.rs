//! INFO and ROLE.

use std::fmt::Write;

use super::{Call, Facts, Outcome};
use crate::{COMPATIBLE_VERSION, Group, Ms, View};

/// The sections, in their order.
const SECTIONS: [&str; 5] = ["server", "clients", "stats", "cpu", "sentinel"];

pub(super) fn role(call: &mut Call<'_>) -> Outcome {
    let view = call.env.view;
    call.reply.array(2);
    call.reply.bulk("sentinel");
    call.reply.array(view.groups.len());
    for group in &view.groups {
        call.reply.bulk(&group.name);
    }
    Outcome::Done
}

pub(super) fn info(call: &mut Call<'_>) -> Outcome {
    let wanted: Vec<_> = call
        .request
        .from(1)
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    let everything = wanted.is_empty()
        || wanted
            .iter()
            .any(|word| matches!(word.as_slice(), b"all" | b"default" | b"everything"));
    let facts = call.env.clients.facts();
    let chosen = SECTIONS
        .iter()
        .filter(|name| everything || wanted.iter().any(|word| word == name.as_bytes()));
    let texts: Vec<_> = chosen
        .map(|name| section(name, &facts, call.env.view, call.env.now))
        .collect();
    // A bulk string in both versions, as Sentinel has it.
    call.reply.bulk(texts.join("\r\n"));
    Outcome::Done
}

fn section(name: &str, facts: &Facts, view: &View, now: Ms) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = match name {
        "server" => server(&mut text, facts),
        "clients" => clients(&mut text, facts),
        "stats" => stats(&mut text, facts),
        "cpu" => cpu(&mut text, facts),
        _ => sentinel(&mut text, view, now),
    };
    text
}

fn server(text: &mut String, facts: &Facts) -> std::fmt::Result {
    write!(
        text,
        "# Server\r\nredis_version:{COMPATIBLE_VERSION}\r\nredis_mode:sentinel\r\n"
    )?;
    write!(
        text,
        "os:{} {}\r\n",
        std::env::consts::OS,
        std::env::consts::ARCH
    )?;
    write!(
        text,
        "arch_bits:{}\r\nprocess_id:{}\r\n",
        usize::BITS,
        facts.process_id
    )?;
    write!(
        text,
        "run_id:{}\r\ntcp_port:{}\r\n",
        facts.run_id, facts.tcp_port
    )?;
    write!(text, "server_time_usec:{}\r\n", facts.unix_us)?;
    write!(
        text,
        "uptime_in_seconds:{}\r\nuptime_in_days:{}\r\n",
        facts.uptime_s,
        facts.uptime_s / 86_400
    )?;
    write!(text, "holdfast_version:{}\r\n", env!("CARGO_PKG_VERSION"))
}

fn clients(text: &mut String, facts: &Facts) -> std::fmt::Result {
    write!(
        text,
        "# Clients\r\nconnected_clients:{}\r\ncluster_connections:0\r\n",
        facts.connected
    )?;
    write!(
        text,
        "maxclients:{}\r\nblocked_clients:0\r\n",
        facts.max_clients
    )?;
    write!(
        text,
        "tracking_clients:0\r\npubsub_clients:{}\r\n",
        facts.subscribers
    )
}

fn stats(text: &mut String, facts: &Facts) -> std::fmt::Result {
    write!(
        text,
        "# Stats\r\ntotal_connections_received:{}\r\n",
        facts.accepted
    )?;
    write!(text, "total_commands_processed:{}\r\n", facts.commands)?;
    write!(
        text,
        "total_net_input_bytes:{}\r\ntotal_net_output_bytes:{}\r\n",
        facts.bytes_in, facts.bytes_out
    )?;
    write!(
        text,
        "rejected_connections:{}\r\ntotal_error_replies:{}\r\n",
        facts.rejected, facts.errors
    )?;
    write!(
        text,
        "client_output_buffer_limit_disconnections:{}\r\n",
        facts.slow_readers_dropped
    )
}

fn cpu(text: &mut String, facts: &Facts) -> std::fmt::Result {
    write!(
        text,
        "# CPU\r\nused_cpu_sys:{:.6}\r\nused_cpu_user:{:.6}\r\n",
        facts.cpu_system_s, facts.cpu_user_s
    )?;
    write!(
        text,
        "used_cpu_sys_children:0.000000\r\nused_cpu_user_children:0.000000\r\n"
    )
}

fn sentinel(text: &mut String, view: &View, now: Ms) -> std::fmt::Result {
    let tilt_seconds = view
        .tilt_since
        .map_or(-1, |since| (now.saturating_sub(since) / 1000) as i64);
    let groups: Vec<_> = view
        .groups
        .iter()
        .filter_map(|group| Some((group, group.primary.as_ref()?)))
        .collect();
    write!(text, "# Sentinel\r\nsentinel_masters:{}\r\n", groups.len())?;
    write!(
        text,
        "sentinel_tilt:{}\r\n",
        u8::from(view.tilt_since.is_some())
    )?;
    write!(
        text,
        "sentinel_tilt_since_seconds:{tilt_seconds}\r\nsentinel_total_tilt:{}\r\n",
        view.total_tilt
    )?;
    write!(
        text,
        "sentinel_running_scripts:0\r\nsentinel_scripts_queue_length:0\r\n"
    )?;
    write!(text, "sentinel_simulate_failure_flags:0\r\n")?;
    for (place, (group, node)) in groups.into_iter().enumerate() {
        write!(
            text,
            "master{place}:name={},status={},address={}",
            group.name,
            status(group),
            node.address
        )?;
        write!(
            text,
            ",slaves={},sentinels={}\r\n",
            group.replicas.len(),
            group.sentinels.len() + 1
        )?;
    }
    Ok(())
}

fn status(group: &Group) -> &'static str {
    match &group.primary {
        Some(node) if node.o_down_since.is_some() => "odown",
        Some(node) if node.s_down_since.is_some() => "sdown",
        _ => "ok",
    }
}
