//! What is kept when a promise is broken.

use crate::kubectl::Kubectl;
use crate::wait::seconds;
use std::fs;
use std::path::Path;

/// Writes the state of the namespace and the logs of all pods to a folder, and names it.
pub(crate) fn gather(kubectl: &Kubectl, folder: &Path, why: &str) {
    if let Err(error) = fs::create_dir_all(folder) {
        eprintln!("e2e: making {}: {error}", folder.display());
        return;
    }
    let write = |name: &str, text: String| {
        let _ = fs::write(folder.join(name), text);
    };
    // Short: the kubelet of a lost node never answers.
    let ask = |words: &[&str]| {
        kubectl
            .run_within(seconds(8), words)
            .unwrap_or_else(|error| format!("{error:#}\n"))
    };
    write("why.txt", format!("{why}\n"));
    write(
        "objects.txt",
        ask(&[
            "get",
            "all,pvc,endpoints,endpointslices,configmaps",
            "-o",
            "wide",
            "--show-labels",
        ]),
    );
    write("nodes.txt", ask(&["get", "nodes", "-o", "wide"]));
    write(
        "events.txt",
        ask(&["get", "events", "--sort-by=.lastTimestamp"]),
    );
    write("pods.txt", ask(&["describe", "pods"]));
    for pod in ask(&["get", "pods", "-o", "name"]).lines() {
        let stem = pod.trim_start_matches("pod/").replace('/', "-");
        write(
            &format!("{stem}.log"),
            ask(&["logs", pod, "--all-containers", "--timestamps"]),
        );
        write(
            &format!("{stem}.previous.log"),
            ask(&[
                "logs",
                pod,
                "--all-containers",
                "--timestamps",
                "--previous",
            ]),
        );
    }
    eprintln!("e2e: what could be gathered is in {}", folder.display());
}
