//! `holdfast doctor`: what is wrong, and what to do about it.
//!
//! ```text
//!   sentinels, nodes, disks ──▶ Evidence ──▶ pure checks ──▶ findings
//! ```

mod evidence;
mod finding;
mod machine;
mod nodes;
mod sentinels;
mod settings;
#[cfg(test)]
mod tests;
mod versions;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::print;
use crate::paint::{Paint, Tone};
use crate::routes::Routes;
use crate::runtime::block_on;
use crate::whom::{WhomArgs, password};
use clap::Args;
use evidence::Evidence;
use finding::{Finding, Severity};
use holdfast_cluster::{Manifest, SentinelClient};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// File with the password of the nodes, where they ask for one.
    #[arg(long, value_name = "FILE")]
    node_password_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DoctorArgs) -> Outcome {
    let client = args.whom.client()?;
    let manifest = args.whom.manifest()?.filter(|manifest| {
        // Another group's folder says nothing of the sentinels that were named.
        manifest
            .sentinels
            .iter()
            .any(|sentinel| client.addresses().contains(&sentinel.address))
    });
    let node_password = args
        .node_password_file
        .as_deref()
        .map(password)
        .transpose()?;
    let direct = Routes::default();
    let password = node_password.as_deref();
    block_on(examine(&client, manifest, password, &direct, args.json))?
}

/// Looks at everything that can be reached by `routes`, and tells what is wrong.
pub(crate) async fn examine(
    client: &SentinelClient,
    manifest: Option<Manifest>,
    node_password: Option<&str>,
    routes: &Routes,
    as_json: bool,
) -> Outcome {
    let evidence = Evidence::gather(client, manifest, node_password, routes).await;
    let findings = diagnose(&evidence);
    let text = if as_json {
        json(&findings)?
    } else {
        lines(&findings, &evidence, Paint::stdout()).join("\n")
    };
    print(routes.in_words(&text))?;
    Ok(exit(&findings, &evidence))
}

/// All findings, the worst first.
fn diagnose(evidence: &Evidence) -> Vec<Finding> {
    if let Some(all) = machine::not_running(evidence) {
        return vec![all];
    }
    let mut findings = sentinels::check(evidence);
    findings.extend(nodes::check(evidence));
    findings.extend(versions::check(evidence));
    findings.extend(settings::check(evidence));
    findings.extend(machine::check(evidence));
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn exit(findings: &[Finding], evidence: &Evidence) -> Exit {
    if evidence.observation.statuses().next().is_none() {
        Exit::Unreachable
    } else if findings
        .iter()
        .any(|finding| finding.severity == Severity::Problem)
    {
        Exit::Unhealthy
    } else {
        Exit::Ok
    }
}

fn json(findings: &[Finding]) -> Result<String, Failure> {
    serde_json::to_string_pretty(findings).map_err(|error| Failure::new(Exit::Failed, error))
}

fn lines(findings: &[Finding], evidence: &Evidence, paint: Paint) -> Vec<String> {
    let mut lines: Vec<String> = findings
        .iter()
        .flat_map(|finding| finding.lines(paint))
        .collect();
    if findings.is_empty() {
        let status = evidence.observation.best();
        let primary = status
            .and_then(|status| status.primary.as_deref())
            .unwrap_or("nobody");
        let all = evidence.observation.views.len();
        lines.push(paint.text(
            &format!("all is well: {primary} is primary, and all {all} sentinels agree"),
            Tone::Good,
        ));
    }
    lines
}
