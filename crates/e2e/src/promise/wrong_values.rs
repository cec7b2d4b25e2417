//! Thirty bad values files: a readable error before anything is created.

mod cases;

use super::{Loss, Promise};
use crate::outcome::Outcome;
use crate::stage::Stage;
use crate::wait::seconds;
use anyhow::{Context as _, ensure};
use cases::CASES;

pub(super) const PROMISE: Promise = Promise {
    name: "wrong-values",
    text: "wrong values (30 bad files) → an error that names the value, before anything is created",
    deadline: None,
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    let folder = std::env::temp_dir().join(format!("e2e-values-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = CASES
        .iter()
        .enumerate()
        .try_for_each(|(number, (values, word))| {
            let file = folder.join(format!("{number}.yaml"));
            std::fs::write(&file, values)?;
            refused(stage, &file.to_string_lossy(), word)
                .with_context(|| format!("values {values:?}"))
        });
    let _ = std::fs::remove_dir_all(&folder);
    result?;
    let left = stage.kubectl.run(&[
        "get",
        "all,secrets,configmaps,pvc",
        "-o",
        "name",
        "-l",
        "app.kubernetes.io/instance=wrong",
    ])?;
    ensure!(left.trim().is_empty(), "created all the same: {left}");
    Ok(Outcome::default().saying(format!("{} files", CASES.len())))
}

fn refused(stage: &Stage, file: &str, word: &str) -> anyhow::Result<()> {
    let chart = stage.chart.to_string_lossy();
    let words = ["install", "wrong", &chart, "--values", file].map(String::from);
    let Err(error) = stage.helm.run(seconds(30), &words) else {
        stage
            .helm
            .run(seconds(30), &["uninstall", "wrong"].map(String::from))?;
        anyhow::bail!("it was installed");
    };
    let text = format!("{error:#}");
    ensure!(
        text.contains(word),
        "the error does not say {word:?}: {text}"
    );
    Ok(())
}
