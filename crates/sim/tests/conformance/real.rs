//! Three real servers on loopback.

use crate::facts::{Facts, Names, Node};
use crate::script::Step;
use holdfast_sim::model::Persistence;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Real {
    program: &'static str,
    persistence: Persistence,
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    nowhere: u16,
    children: Vec<Option<Child>>,
    held: Vec<Option<TcpStream>>,
    names: Names,
    values: u64,
    /// A copy has failed.
    broken: bool,
}

impl Drop for Real {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Real {
    pub(crate) fn start(program: &'static str, persistence: Persistence) -> Self {
        let holders: Vec<TcpListener> = (0..4)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let mut ports: Vec<u16> = holders
            .iter()
            .map(|holder| holder.local_addr().unwrap().port())
            .collect();
        drop(holders);
        let nowhere = ports.pop().unwrap();
        let mut real = Self {
            program,
            persistence,
            folder: tempfile::tempdir().unwrap(),
            ports,
            nowhere,
            children: vec![None, None, None],
            held: vec![None, None, None],
            names: Names::default(),
            values: 0,
            broken: false,
        };
        (0..3).for_each(|node| real.boot(node));
        real
    }

    pub(crate) fn apply(&mut self, step: Step) -> String {
        match step {
            Step::Follow(node, target) => self.replicaof(node, self.ports[target]),
            Step::Seal(node) => self.replicaof(node, self.nowhere),
            Step::Promote(node) => self.command(node, "REPLICAOF NO ONE"),
            Step::Touch(node) => self.command(node, "PSYNC ? -1"),
            Step::Write(node) => {
                let line = self.write_line();
                self.command(node, &line)
            }
            Step::Publish(node) => self.command(node, "PUBLISH barrier x"),
            Step::Fence(node) => self.command(node, "CONFIG SET min-replicas-to-write 1000"),
            Step::Unfence(node) => self.command(node, "CONFIG SET min-replicas-to-write 0"),
            Step::Keep(node) => self.copies(node, "yes", "2147483647"),
            Step::Give(node) => self.copies(node, "no", "0"),
            Step::Pause(node) => self.command(node, "CLIENT PAUSE 600000 WRITE"),
            Step::Unpause(node) => self.unpause(node),
            Step::Hold(node) => self.hold(node),
            Step::Save(node) => self.command(node, "SAVE"),
            Step::Flush(node) => self.command(node, "FLUSHALL"),
            Step::Kill(node) => self.kill(node),
            Step::Start(node) => {
                self.boot(node);
                "ok".into()
            }
            Step::Break(node) => self.break_dump(node),
            Step::Mend(node) => self.mend_dump(node),
            Step::Script(node, wrote) => self.script(node, wrote),
            Step::EndScript(node) => self.command(node, "SCRIPT KILL"),
            Step::Cut(node) => self.cut(node),
            Step::LoseManifest(node) => {
                std::fs::remove_file(self.log_folder(node).join("appendonly.aof.manifest"))
                    .unwrap();
                "ok".into()
            }
        }
    }

    fn dump(&self, node: usize) -> PathBuf {
        self.folder.path().join(node.to_string()).join("dump.rdb")
    }

    fn log_folder(&self, node: usize) -> PathBuf {
        self.dump(node).with_file_name("appendonlydir")
    }

    /// A folder that is not empty cannot be replaced by a file.
    fn break_dump(&mut self, node: usize) -> String {
        self.broken = true;
        let dump = self.dump(node);
        let _ = std::fs::rename(&dump, dump.with_extension("aside"));
        std::fs::create_dir_all(dump.join("in the way")).unwrap();
        "ok".into()
    }

    fn mend_dump(&mut self, node: usize) -> String {
        let dump = self.dump(node);
        std::fs::remove_dir_all(&dump).unwrap();
        let _ = std::fs::rename(dump.with_extension("aside"), &dump);
        "ok".into()
    }

    /// The last command of the append-only file is written in part.
    fn cut(&self, node: usize) -> String {
        let files = std::fs::read_dir(self.log_folder(node)).unwrap();
        let names = files.map(|file| file.unwrap().path());
        let increments = names.filter(|name| name.to_string_lossy().ends_with(".incr.aof"));
        let last = increments.max().unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(last).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - 5).unwrap();
        "ok".into()
    }

    /// Returns once everything else is refused.
    fn script(&mut self, node: usize, wrote: bool) -> String {
        let first = if wrote {
            "redis.call('set','by a script','x')"
        } else {
            ""
        };
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[node])).unwrap();
        let line = format!("EVAL \"{first} while true do end\" 0\r\n");
        stream.write_all(line.as_bytes()).unwrap();
        self.held[node] = Some(stream);
        let end = Instant::now() + Duration::from_secs(5);
        while self.command(node, "PING") != "BUSY" {
            assert!(Instant::now() < end, "the script does not run");
            std::thread::sleep(Duration::from_millis(10));
        }
        "ok".into()
    }

    fn write_line(&mut self) -> String {
        self.values += 1;
        format!("SET k:{} v", self.values)
    }

    fn replicaof(&self, node: usize, port: u16) -> String {
        self.command(node, &format!("REPLICAOF 127.0.0.1 {port}"))
    }

    fn copies(&self, node: usize, streamed: &str, delay: &str) -> String {
        self.command(node, &format!("CONFIG SET repl-diskless-sync {streamed}"));
        self.command(
            node,
            &format!("CONFIG SET repl-diskless-sync-delay {delay}"),
        )
    }

    fn boot(&mut self, node: usize) {
        let folder = self.folder.path().join(node.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let append = if self.persistence == Persistence::AppendEverySecond {
            "yes"
        } else {
            "no"
        };
        let child = Command::new(self.program)
            .args([
                "--port",
                &self.ports[node].to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .args(["--lua-time-limit", "20"])
            .args(["--appendonly", append, "--repl-diskless-sync-delay", "0"])
            .args([
                "--repl-ping-replica-period",
                "3600",
                "--enable-debug-command",
                "local",
            ])
            .args(["--replicaof", &format!("127.0.0.1 {}", self.nowhere)])
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.children[node] = Some(child);
        let end = Instant::now() + Duration::from_secs(5);
        while self.command(node, "PING") != "ok" {
            assert!(Instant::now() < end, "{} did not start", self.program);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn kill(&mut self, node: usize) -> String {
        let Some(mut child) = self.children[node].take() else {
            return "down".into();
        };
        child.kill().unwrap();
        child.wait().unwrap();
        "ok".into()
    }

    fn hold(&mut self, node: usize) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[node])).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        stream
            .write_all(format!("{}\r\n", self.write_line()).as_bytes())
            .unwrap();
        let mut byte = [0];
        let answered = stream.read(&mut byte).is_ok();
        self.held[node] = Some(stream);
        if answered {
            "answered".into()
        } else {
            "held".into()
        }
    }

    fn unpause(&mut self, node: usize) -> String {
        self.command(node, "CLIENT UNPAUSE");
        let Some(stream) = self.held[node].take() else {
            return String::new();
        };
        stream
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        text(&line)
    }

    fn command(&self, node: usize, line: &str) -> String {
        self.ask(node, line)
            .map_or_else(|| "down".into(), |answer| text(&answer))
    }

    fn ask(&self, node: usize, line: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[node])).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(3)))
            .unwrap();
        stream.write_all(format!("{line}\r\n").as_bytes()).ok()?;
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).ok()?;
        let Some(length) = first.strip_prefix('$') else {
            return Some(first);
        };
        let mut body = vec![0; length.trim().parse().unwrap()];
        reader.read_exact(&mut body).ok()?;
        String::from_utf8(body).ok()
    }

    /// The facts, once they equal `expected` or after five seconds.
    pub(crate) fn facts_like(&mut self, expected: &Facts) -> Facts {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let raw: Vec<_> = (0..3).map(|node| self.ask(node, "INFO")).collect();
            let settled = self.facts(&raw, false);
            if settled == *expected || Instant::now() > end {
                return self.facts(&raw, true);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// With `keep`, names that appear for the first time get their number for good.
    fn facts(&mut self, raw: &[Option<String>], keep: bool) -> Facts {
        let mut names = std::mem::take(&mut self.names);
        let before = names.clone();
        let nodes = raw
            .iter()
            .map(|info| self.node(&mut names, info.as_deref()))
            .collect();
        self.names = if keep { names } else { before };
        let mut facts = Facts::new(nodes);
        if self.broken {
            facts.forget_counts();
        }
        facts
    }

    fn node(&self, names: &mut Names, info: Option<&str>) -> (Node, u64) {
        let Some(info) = info else {
            return (Node::down(), 0);
        };
        if info.starts_with("-BUSY") {
            return (Node::busy(), 0);
        }
        let field = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .unwrap_or("")
                .trim()
                .to_owned()
        };
        let port: Option<u16> = field("master_port").parse().ok();
        let keys = field("db0");
        let second = field("master_replid2");
        let rewriting =
            field("aof_rewrite_in_progress") == "1" || field("aof_rewrite_scheduled") == "1";
        let node = Node {
            up: true,
            primary: field("role") == "master",
            following: port.and_then(|port| self.ports.iter().position(|other| *other == port)),
            link_up: field("master_link_status") == "up",
            history: names.of(&field("master_replid")),
            second: second.chars().any(|c| c != '0').then(|| names.of(&second)),
            backlog: field("repl_backlog_active") == "1",
            loading: field("loading") == "1" || rewriting,
            keys: keys
                .split(['=', ','])
                .nth(1)
                .map_or(0, |text| text.parse().unwrap()),
            sync_full: field("sync_full").parse().unwrap(),
            sync_partial: field("sync_partial_ok").parse().unwrap(),
        };
        (node, field("master_repl_offset").parse().unwrap())
    }
}

fn text(answer: &str) -> String {
    match answer.strip_prefix('-') {
        Some(error) => error.split_whitespace().next().unwrap_or("").into(),
        None => "ok".into(),
    }
}
