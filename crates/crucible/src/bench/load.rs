//! Writers that each have so many writes under way, and count what is acknowledged.

use crate::measure::Quantiles;
use anyhow::{Context, Result, ensure};
use holdfast_resp::encode_command;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Bytes of a value, and different keys.
const VALUE: usize = 100;
const KEYS: usize = 1_000;

/// How they write.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Writers, each with a connection of its own.
    pub connections: usize,
    /// Writes that each has under way; it goes on when all are answered.
    pub pipeline: usize,
    /// Where not 0: a `WAIT` for so many replicas behind every write.
    pub wait: usize,
}

impl Shape {
    /// So many writers with so many writes under way each.
    pub const fn of(connections: usize, pipeline: usize) -> Self {
        Self {
            connections,
            pipeline,
            wait: 0,
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Load {
    writes: usize,
    took: Duration,
    waited_ms: Vec<f64>,
}

impl Load {
    /// Writes for about this long.
    ///
    /// # Errors
    /// When a connection breaks, or anything but success is answered.
    pub async fn run(address: SocketAddr, shape: Shape, time: Duration) -> Result<Self> {
        let started = Instant::now();
        let mut writers = JoinSet::new();
        for number in 0..shape.connections {
            writers.spawn(write(address, shape, number, started + time));
        }
        let mut load = Self::default();
        while let Some(waited) = writers.join_next().await {
            let waited = waited.context("a writer ended")??;
            load.writes += waited.len() * shape.pipeline;
            load.waited_ms.extend(waited);
        }
        load.took = started.elapsed();
        Ok(load)
    }

    /// Acknowledged writes per second.
    pub fn per_second(&self) -> f64 {
        self.writes as f64 / self.took.as_secs_f64()
    }

    /// How long a pipeline took, in milliseconds.
    pub fn latency(&self) -> Quantiles {
        Quantiles::of(&self.waited_ms)
    }
}

async fn write(
    address: SocketAddr,
    shape: Shape,
    number: usize,
    until: Instant,
) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address).await.context("connect")?;
    stream.set_nodelay(true).context("connect")?;
    let requests = requests(shape, number);
    let lines = shape.pipeline * (1 + usize::from(shape.wait > 0));
    let mut waited = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        stream.write_all(&requests).await.context("write")?;
        read_lines(&mut stream, lines).await?;
        waited.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(waited)
}

fn requests(shape: Shape, number: usize) -> Vec<u8> {
    let value = "x".repeat(VALUE);
    let mut bytes = Vec::new();
    for index in 0..shape.pipeline {
        let key = format!("key:{}", (number * shape.pipeline + index) % KEYS);
        encode_command(&["SET", &key, &value], &mut bytes);
        if shape.wait > 0 {
            encode_command(&["WAIT", &shape.wait.to_string(), "1000"], &mut bytes);
        }
    }
    bytes
}

/// `+OK` or a number of replicas, each in one line; neither has a minus in it, nor is a number that is meant to be enough 0.
async fn read_lines(stream: &mut TcpStream, lines: usize) -> Result<()> {
    let mut buffer = [0; 4096];
    let mut left = lines;
    while left > 0 {
        let read = stream.read(&mut buffer).await.context("read")?;
        ensure!(read > 0, "the connection was closed");
        let came = &buffer[..read];
        ensure!(
            !came.contains(&b'-') && !came.contains(&b'0'),
            "a write was not acknowledged: {}",
            String::from_utf8_lossy(came)
        );
        let ended: usize = came.iter().map(|byte| usize::from(*byte == b'\n')).sum();
        left = left.saturating_sub(ended);
    }
    Ok(())
}
