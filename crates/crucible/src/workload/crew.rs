//! All clients of a round.

use crate::client::{Announcements, Chronicle, Directory, Session, Sighting, Switch};
use crate::dice::Dice;
use crate::history::{Operation, Pulse, Recorder};
use crate::target::Group;
use crate::workload::desk::Desk;
use crate::workload::lane::{Lane, Stop};
use crate::workload::worker::{Worker, Workload};
use anyhow::Result;
use std::time::Duration;

/// Clients of this number and above write straight to a node.
pub const FIRST_DIRECT_CLIENT: u16 = 1000;
/// Clients of this number and above live in the network namespace of a node.
pub const FIRST_INSIDER: u16 = 2000;

/// Who works in a round.
#[derive(Clone, Debug)]
pub struct CrewSpec {
    /// Clients that follow the sentinels, one each.
    pub workloads: Vec<Workload>,
    /// Longest time of an operation.
    pub operation_limit: Duration,
    /// Longest time that one sentinel may take to answer.
    pub sentinel_limit: Duration,
    /// Pause between operations of a following client.
    pub pause: Duration,
    /// Pause between direct writes to every node; `None` for no direct writers.
    pub direct_pause: Option<Duration>,
    /// Network namespace of each node, by index, where there are any: an insider then writes beside its node.
    pub namespaces: Vec<String>,
    /// Prefix of all keys.
    pub tag: String,
    /// Chooses what clients do where they have a choice.
    pub seed: u64,
}

/// What a crew did, heard and saw.
#[derive(Clone, Debug, Default)]
pub struct CrewLog {
    /// Every operation.
    pub operations: Vec<Operation>,
    /// Every announced switch.
    pub switches: Vec<Switch>,
    /// Every epoch and its primary.
    pub sightings: Vec<Sighting>,
}

/// Running clients.
#[derive(Debug)]
pub struct Crew {
    stop: Stop,
    pulse: Pulse,
    followers: Lane<CrewLog>,
    others: Vec<Lane<Vec<Operation>>>,
}

impl Crew {
    /// Starts everybody: followers on one thread, direct writers on another, each insider on its own.
    pub fn start(group: &Group, spec: &CrewSpec) -> Result<Self> {
        let stop = Stop::default();
        let pulse = Pulse::default();
        let followers = start_followers(group, spec, &stop, &pulse)?;
        let mut others = vec![];
        if spec.direct_pause.is_some() {
            let workers = direct_workers(group, spec, &pulse, FIRST_DIRECT_CLIENT);
            others.push(start_lane(None, workers, &stop)?);
        }
        for (worker, namespace) in direct_workers(group, spec, &pulse, FIRST_INSIDER)
            .into_iter()
            .zip(&spec.namespaces)
        {
            others.push(start_lane(Some(namespace.clone()), vec![worker], &stop)?);
        }
        Ok(Self {
            stop,
            pulse,
            followers,
            others,
        })
    }

    /// The newest acknowledgements.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Stops everybody and collects what they did and heard.
    pub async fn finish(self) -> Result<CrewLog> {
        self.stop.set();
        let mut log = self.followers.join().await?;
        for lane in self.others {
            log.operations.extend(lane.join().await?);
        }
        Ok(log)
    }
}

fn start_followers(
    group: &Group,
    spec: &CrewSpec,
    stop: &Stop,
    pulse: &Pulse,
) -> Result<Lane<CrewLog>> {
    let (group, spec, stop, pulse) = (group.clone(), spec.clone(), stop.clone(), pulse.clone());
    Lane::start(None, move || async move {
        let announcements = Announcements::listen(&group.sentinel_addresses(), &group.group);
        let chronicle = Chronicle::begin(&group.sentinel_addresses(), &group.group);
        let mut workers = vec![];
        for (index, workload) in spec.workloads.iter().enumerate() {
            let directory = Directory::new(
                group.sentinel_addresses(),
                &group.group,
                spec.sentinel_limit,
            );
            let session = Session::following(directory, announcements.bell(), spec.operation_limit);
            let desk = desk(&spec, session, index as u16, &pulse);
            workers.push(Worker::new(*workload, desk, spec.pause));
        }
        let operations = run_all(workers, stop).await;
        CrewLog {
            operations,
            switches: announcements.heard(),
            sightings: chronicle.seen(),
        }
    })
}

fn direct_workers(group: &Group, spec: &CrewSpec, pulse: &Pulse, first: u16) -> Vec<Worker> {
    let limit = spec.operation_limit.min(Duration::from_millis(200));
    let pause = spec.direct_pause.unwrap_or(Duration::from_millis(2));
    let worker = |(index, address): (usize, &String)| {
        let session = Session::fixed(address, limit);
        let desk = desk(spec, session, first + index as u16, pulse);
        Worker::new(Workload::Direct, desk, pause)
    };
    group
        .node_addresses()
        .iter()
        .enumerate()
        .map(worker)
        .collect()
}

fn desk(spec: &CrewSpec, session: Session, client: u16, pulse: &Pulse) -> Desk {
    Desk {
        session,
        recorder: Recorder::new(client, pulse.clone()),
        dice: Dice::new(spec.seed.wrapping_add(u64::from(client))),
        tag: spec.tag.clone(),
    }
}

fn start_lane(
    namespace: Option<String>,
    workers: Vec<Worker>,
    stop: &Stop,
) -> Result<Lane<Vec<Operation>>> {
    let stop = stop.clone();
    Lane::start(namespace, move || run_all(workers, stop))
}

async fn run_all(workers: Vec<Worker>, stop: Stop) -> Vec<Operation> {
    let tasks: Vec<_> = workers
        .into_iter()
        .map(|worker| tokio::spawn(worker.run(stop.clone())))
        .collect();
    let mut operations = vec![];
    for task in tasks {
        operations.extend(task.await.unwrap_or_default());
    }
    operations
}
