//! `holdfast clients`.

mod render;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::print;
use crate::paint::Paint;
use crate::up::DEFAULT_DIR;
use clap::Args;
use holdfast_agent::clients::{Clients, Question, SOCKET, ask};
use holdfast_cluster::{MANIFEST_FILE, Manifest};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(crate) struct ClientsArgs {
    /// Folder of a group that `holdfast up` runs, or of one agent (its `dir`).
    #[arg(long, env = "HOLDFAST_DIR", value_name = "DIR", default_value = DEFAULT_DIR)]
    dir: PathBuf,
    #[command(flatten)]
    wish: Wish,
}

/// Which clients, and how they are shown.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// Only this node of the group.
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Option<String>,
    /// Only the client with this id, which lines of SLOWLOG and ACL LOG lead to.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<u64>,
    /// Holdfast's own connections too.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was heard of whom.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) nodes: Vec<Clients>,
    pub(crate) unheard: Vec<Unheard>,
}

/// An agent that told nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Unheard {
    pub(crate) node: String,
    pub(crate) why: String,
}

pub(crate) fn run(args: &ClientsArgs) -> Outcome {
    show(hear(&agents(args)?, args.wish.id), &args.wish)
}

/// Prints what was heard.
pub(crate) fn show(mut heard: Heard, wish: &Wish) -> Outcome {
    if !wish.all {
        let nodes = heard.nodes.iter_mut();
        nodes.for_each(|node| node.clients.retain(|client| !client.own));
    }
    if wish.json {
        let text = serde_json::to_string_pretty(&heard);
        print(text.map_err(|error| Failure::new(Exit::Failed, error))?)?;
    } else {
        print(render::lines(&heard.nodes, Paint::stdout()).join("\n"))?;
        for line in render::troubles(&heard) {
            eprintln!("holdfast: {line}");
        }
    }
    verdict(&heard, wish.id)
}

fn verdict(heard: &Heard, id: Option<u64>) -> Outcome {
    let nobody = heard.nodes.iter().all(|node| node.clients.is_empty());
    match id {
        _ if heard.nodes.is_empty() => Ok(Exit::Unreachable),
        Some(id) if nobody => Err(Failure::new(
            Exit::Failed,
            format!(
                "no client has the id {id} any more; ids belong to one run of one redis-server"
            ),
        )),
        _ => Ok(Exit::Ok),
    }
}

fn hear(agents: &[(String, PathBuf)], id: Option<u64>) -> Heard {
    let mut heard = Heard::default();
    for (node, dir) in agents {
        match ask(dir, &Question::new(id)) {
            Ok(clients) => heard.nodes.push(clients),
            Err(error) => heard.unheard.push(Unheard {
                node: node.clone(),
                why: format!("{error:#}"),
            }),
        }
    }
    heard
}

/// Names and folders of the agents to ask.
fn agents(args: &ClientsArgs) -> Result<Vec<(String, PathBuf)>, Failure> {
    let dir = &args.dir;
    if dir.join(SOCKET).exists() {
        let name = || dir.display().to_string();
        return Ok(vec![(
            args.wish.node.clone().unwrap_or_else(name),
            dir.clone(),
        )]);
    }
    let path = dir.join(MANIFEST_FILE);
    if !path.exists() {
        return Err(Failure::bad_input(format!(
            "{} is the folder of no group and of no agent that runs: name one with --dir",
            dir.display()
        )));
    }
    let manifest = Manifest::read(&path);
    let manifest = manifest.map_err(|error| Failure::bad_input(format!("{error:#}")))?;
    let agents = of_group(&manifest, dir, args.wish.node.as_deref());
    match &args.wish.node {
        Some(node) if agents.is_empty() => Err(Failure::bad_input(format!(
            "{} has no node {node}",
            dir.display()
        ))),
        _ => Ok(agents),
    }
}

fn of_group(manifest: &Manifest, dir: &Path, only: Option<&str>) -> Vec<(String, PathBuf)> {
    let names = manifest.nodes.iter().map(|node| &node.name);
    let names = names.filter(|name| only.is_none_or(|only| only == name.as_str()));
    names.map(|name| (name.clone(), dir.join(name))).collect()
}
