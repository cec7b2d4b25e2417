//! Who is there, and proof of it.

use crate::hex::random_hex;
use crate::lines::{GREETING_LINE_MAX, Reader, Writer};
use crate::secret::Secret;
use crate::whereabouts::Whereabouts;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A greeting that takes longer than this is given up.
const GREETING_MAX: Duration = Duration::from_secs(3);
/// And for the connection before it: where nobody is any more nothing answers, and the name may mean another address by now.
const CONNECT_MAX: Duration = Duration::from_millis(500);

/// What kind of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An agent of the named group's node.
    Agent,
    /// A sentinel.
    Sentinel,
}

/// Who this process is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Version of the messages that follow.
    pub wire: u32,
    /// The deployment.
    pub cluster: String,
    /// What kind of process.
    pub kind: Kind,
    /// The group, for agents; empty for sentinels.
    pub group: String,
    /// Its stable name.
    pub name: String,
    /// The shared secret.
    pub secret: Secret,
}

/// Who is at the other end, proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// What kind of process.
    pub kind: Kind,
    /// Its group, for agents.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Where the connection reaches it.
    pub ip: IpAddr,
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be reached, or broke off.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It took too long.
    #[error("no answer within {} s", GREETING_MAX.as_secs())]
    Timeout,
    /// One side refuses the other; this is for a person to mend, and is logged once.
    #[error("refused: {0}")]
    Refused(String),
}

#[derive(Serialize, Deserialize)]
struct Hello {
    wire: u32,
    cluster: String,
    kind: Kind,
    group: String,
    name: String,
    nonce: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Challenge {
    name: String,
    nonce: String,
    proof: String,
    refused: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Proof {
    proof: String,
    refused: Option<String>,
}

/// Connects to a sentinel. Returns its name and both directions.
///
/// # Errors
/// When it cannot be reached, takes too long, or is not of this deployment.
pub async fn dial(
    whereabouts: &mut Whereabouts,
    me: &Identity,
) -> Result<(Met, Reader, Writer), Error> {
    timeout(GREETING_MAX, async {
        let addresses = whereabouts.find().await?;
        let connecting = TcpStream::connect(addresses.as_slice());
        let stream = timeout(CONNECT_MAX, connecting)
            .await
            .map_err(|_| Error::Timeout)??;
        dial_on(stream, me).await
    })
    .await
    .map_err(|_| Error::Timeout)?
}

async fn dial_on(stream: TcpStream, me: &Identity) -> Result<(Met, Reader, Writer), Error> {
    let ip = stream.peer_addr()?.ip().to_canonical();
    let (mut reader, mut writer) = split(stream)?;
    let nonce = random_hex::<16>()?;
    let hello = Hello {
        wire: me.wire,
        cluster: me.cluster.clone(),
        kind: me.kind,
        group: me.group.clone(),
        name: me.name.clone(),
        nonce: nonce.clone(),
    };
    say(&mut writer, &hello).await?;
    let challenge: Challenge = hear(&mut reader).await?;
    if let Some(why) = challenge.refused {
        return Err(Error::Refused(printable(&why)));
    }
    if !is_name(&challenge.name) {
        return Err(Error::Refused("it gave no name".to_owned()));
    }
    let parts = [
        &me.cluster,
        &me.group,
        &me.name,
        &challenge.name,
        &nonce,
        &challenge.nonce,
    ]
    .map(String::as_str);
    if !me
        .secret
        .proves(&tagged("acceptor", &parts), &challenge.proof)
    {
        let why = format!("{} has another secret", challenge.name);
        say(
            &mut writer,
            &Proof {
                refused: Some(why.clone()),
                ..Proof::default()
            },
        )
        .await?;
        return Err(Error::Refused(why));
    }
    let proof = me.secret.prove(&tagged("dialer", &parts));
    say(
        &mut writer,
        &Proof {
            proof,
            refused: None,
        },
    )
    .await?;
    Ok((
        Met {
            kind: Kind::Sentinel,
            group: String::new(),
            name: challenge.name,
            ip,
        },
        reader,
        writer,
    ))
}

/// Takes a connection in. Returns who it is and both directions.
///
/// # Errors
/// When it breaks off, takes too long, or is not of this deployment.
pub async fn accept(stream: TcpStream, me: &Identity) -> Result<(Met, Reader, Writer), Error> {
    timeout(GREETING_MAX, accept_on(stream, me))
        .await
        .map_err(|_| Error::Timeout)?
}

async fn accept_on(stream: TcpStream, me: &Identity) -> Result<(Met, Reader, Writer), Error> {
    let ip = stream.peer_addr()?.ip().to_canonical();
    let (mut reader, mut writer) = split(stream)?;
    let hello: Hello = hear(&mut reader).await?;
    if let Err(refusal) = check(&hello, me) {
        let challenge = Challenge {
            refused: Some(refusal.told),
            ..Challenge::default()
        };
        say(&mut writer, &challenge).await?;
        return Err(Error::Refused(refusal.logged));
    }
    let nonce = random_hex::<16>()?;
    let parts = [
        &me.cluster,
        &hello.group,
        &hello.name,
        &me.name,
        &hello.nonce,
        &nonce,
    ]
    .map(String::as_str);
    let proof = me.secret.prove(&tagged("acceptor", &parts));
    say(
        &mut writer,
        &Challenge {
            name: me.name.clone(),
            nonce: nonce.clone(),
            proof,
            refused: None,
        },
    )
    .await?;
    let answer: Proof = hear(&mut reader).await?;
    if !me.secret.proves(&tagged("dialer", &parts), &answer.proof) {
        return Err(Error::Refused(format!("{} has another secret", hello.name)));
    }
    Ok((
        Met {
            kind: hello.kind,
            group: hello.group,
            name: hello.name,
            ip,
        },
        reader,
        writer,
    ))
}

/// Why a greeting is refused: what its sender is told, who has proven nothing yet, and what this side's log says.
struct Refusal {
    told: String,
    logged: String,
}

fn check(hello: &Hello, me: &Identity) -> Result<(), Refusal> {
    let same = |text: String| Refusal {
        told: text.clone(),
        logged: text,
    };
    let named = is_name(&hello.name) && (hello.group.is_empty() || is_name(&hello.group));
    if !named {
        return Err(same(format!(
            "names have 1 to {NAME_MAX} bytes and no control characters"
        )));
    }
    if hello.cluster != me.cluster {
        // Which one this is stays unsaid: who knows it could ask for a proof and try secrets on that.
        let theirs = printable(&hello.cluster);
        return Err(Refusal {
            told: format!("{} serves another cluster than {theirs}", me.name),
            logged: format!(
                "{} belongs to cluster {theirs}, this is {}",
                hello.name, me.cluster
            ),
        });
    }
    if hello.wire != me.wire {
        return Err(same(format!(
            "{} speaks version {} of the messages, {} speaks {}",
            hello.name, hello.wire, me.name, me.wire
        )));
    }
    Ok(())
}

/// Bytes of the name of a node, a sentinel or a group.
const NAME_MAX: usize = 255;

/// Whether this can be a name: it is shown in logs and tables, where it must not look like anything else.
fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// What somebody said who has proven nothing, as it may stand in a log: on one line, and not long.
fn printable(text: &str) -> String {
    const SHOWN: usize = 200;
    text.chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect()
}

fn tagged<'a>(side: &'a str, parts: &[&'a str; 6]) -> Vec<&'a str> {
    std::iter::once(side).chain(parts.iter().copied()).collect()
}

fn split(stream: TcpStream) -> Result<(Reader, Writer), Error> {
    stream.set_nodelay(true)?;
    notice_silence(&stream)?;
    let (read, write) = stream.into_split();
    Ok((Reader::new(read), Writer::new(write)))
}

/// A machine that lost its power says nothing: what was sent and not taken for two seconds, or two seconds
/// without an answer to the kernel's own probes, ends the connection, so that a new one can be made. This
/// end giving up proves nothing of the other; see the sentinel's reading side.
fn notice_silence(stream: &TcpStream) -> Result<(), Error> {
    use nix::sys::socket::{setsockopt, sockopt};
    let set = || {
        setsockopt(stream, sockopt::KeepAlive, &true)?;
        setsockopt(stream, sockopt::TcpKeepIdle, &1)?;
        setsockopt(stream, sockopt::TcpKeepInterval, &1)?;
        setsockopt(stream, sockopt::TcpKeepCount, &2)?;
        setsockopt(stream, sockopt::TcpUserTimeout, &2_000)
    };
    set().map_err(|errno| Error::Io(errno.into()))
}

async fn say<T: Serialize>(writer: &mut Writer, message: &T) -> Result<(), Error> {
    writer.push(message)?;
    writer.flush().await?;
    Ok(())
}

async fn hear<T: serde::de::DeserializeOwned>(reader: &mut Reader) -> Result<T, Error> {
    let end = || {
        std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "closed during the greeting",
        )
    };
    let said = reader.next_within(GREETING_LINE_MAX).await?;
    Ok(said.ok_or_else(end)?)
}

#[cfg(test)]
mod tests;
