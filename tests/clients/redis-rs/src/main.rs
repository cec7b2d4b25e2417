//! Writes unique keys through redis-rs and prints what came of each, until its stdin ends.
//!
//! Usage: `holdfast-client-redis-rs NAME GROUP HOST:PORT,HOST:PORT,…`; the lines it prints are described in ../../README.md.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Commands as _, Connection, RedisResult};

const PACE: Duration = Duration::from_millis(10);
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, name, group, sentinels] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: holdfast-client-redis-rs NAME GROUP HOST:PORT,…".into());
    };
    let urls: Vec<String> = sentinels
        .split(',')
        .map(|address| format!("redis://{address}/"))
        .collect();
    let mut client = SentinelClient::build(urls, group.clone(), None, SentinelServerType::Master)?;
    println!("V {}", locked_version());

    let over = when_stdin_ends();
    let mut connection = None;
    let mut seq = 0_u64;
    while !over.load(Ordering::Relaxed) {
        seq += 1;
        match write(&mut client, &mut connection, name, seq) {
            Ok(()) => println!("W {seq} {:.4}", now()),
            Err(error) => {
                println!("E {:.4} {}", now(), error.to_string().replace('\n', " "));
                // redis-rs leaves it to its user to ask for a connection again.
                connection = None;
            }
        }
        std::thread::sleep(PACE);
    }
    Ok(())
}

fn write(
    client: &mut SentinelClient,
    connection: &mut Option<Connection>,
    name: &str,
    seq: u64,
) -> RedisResult<()> {
    if connection.is_none() {
        *connection = Some(connect(client)?);
    }
    let Some(connection) = connection else {
        return Ok(());
    };
    connection.set(format!("{name}:{seq}"), seq)
}

fn connect(client: &mut SentinelClient) -> RedisResult<Connection> {
    let connection = client
        .get_client()?
        .get_connection_with_timeout(CONNECT_WITHIN)?;
    connection.set_read_timeout(Some(ANSWER_WITHIN))?;
    connection.set_write_timeout(Some(ANSWER_WITHIN))?;
    Ok(connection)
}

/// The version of redis-rs that this was built with.
fn locked_version() -> &'static str {
    include_str!("../Cargo.lock")
        .split("name = \"redis\"\nversion = \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("unknown")
}

fn when_stdin_ends() -> Arc<AtomicBool> {
    let over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&over);
    std::thread::spawn(move || {
        let mut sink = [0; 64];
        while matches!(std::io::stdin().read(&mut sink), Ok(n) if n > 0) {}
        seen.store(true, Ordering::Relaxed);
    });
    over
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
