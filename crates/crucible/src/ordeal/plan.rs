//! Which blows fall when: drawn from a seed, the same every time.

use crate::dice::Dice;
use crate::ordeal::blow::Blow;
use std::time::Duration;

/// One blow to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// From the beginning of the lap.
    pub at: Duration,
    /// What.
    pub blow: Blow,
    /// Whether it is meant for the node that rules at that time, else for any.
    pub ruler: bool,
    /// How long it lasts, if it does.
    pub length: Duration,
    /// Chooses whom it hits.
    pub seed: u64,
}

/// Longest time between two blows, in milliseconds.
const BREATH_MS: usize = 2600;
const LEAST_LENGTH_MS: usize = 200;
const MOST_LENGTH_MS: usize = 3000;
/// No blow falls so shortly before the end that its effect would not show.
const CALM: Duration = Duration::from_millis(500);

/// The blows of lap number `lap` of the run with `seed`: about one per second and a half, every fourth on top of the one before.
pub fn draw(seed: u64, lap: u64, length: Duration, palette: &[Blow]) -> Vec<Planned> {
    let mut dice = Dice::new(seed.wrapping_mul(1_000_003).wrapping_add(lap));
    let (mut planned, mut at) = (vec![], Duration::ZERO);
    while let Some(blow) = dice.pick(palette).copied() {
        let together = dice.below(4) == 0;
        let pause = if together {
            dice.below(60)
        } else {
            dice.between(200, BREATH_MS)
        };
        at += Duration::from_millis(pause as u64);
        if at + CALM > length {
            break;
        }
        planned.push(Planned {
            at,
            blow,
            ruler: dice.below(2) == 0,
            length: Duration::from_millis(dice.between(LEAST_LENGTH_MS, MOST_LENGTH_MS) as u64),
            seed: dice.below(1 << 30) as u64,
        });
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ordeal::blow::Powers;
    use std::collections::BTreeSet;

    const MINUTE: Duration = Duration::from_secs(60);

    fn all() -> Vec<Blow> {
        Blow::palette(Powers {
            network: true,
            interposer: true,
            agents: true,
            everything: true,
            power: true,
            mounts: true,
            gates: true,
        })
    }

    #[test]
    fn one_seed_and_lap_is_one_plan() {
        assert_eq!(draw(7, 3, MINUTE, &all()), draw(7, 3, MINUTE, &all()));
        assert_ne!(draw(7, 3, MINUTE, &all()), draw(7, 4, MINUTE, &all()));
        assert_ne!(draw(7, 3, MINUTE, &all()), draw(8, 3, MINUTE, &all()));
    }

    #[test]
    fn blows_come_in_order_within_the_lap_and_every_kind_comes() {
        let mut seen = BTreeSet::new();
        for lap in 0..30 {
            let plan = draw(1, lap, MINUTE, &all());
            assert!((20..120).contains(&plan.len()), "{}", plan.len());
            assert!(plan.windows(2).all(|pair| pair[0].at <= pair[1].at));
            assert!(plan.iter().all(|planned| planned.at + CALM <= MINUTE));
            seen.extend(plan.iter().map(|planned| planned.blow));
        }
        assert_eq!(seen.len(), all().len());
        assert!(draw(1, 1, MINUTE, &[]).is_empty());
    }

    #[test]
    fn a_palette_holds_what_is_possible() {
        let plain = Blow::palette(Powers {
            network: false,
            interposer: false,
            agents: false,
            everything: false,
            power: false,
            mounts: false,
            gates: false,
        });
        assert!(plain.contains(&Blow::KillServer) && plain.contains(&Blow::Handoff));
        for absent in [
            Blow::Deaf,
            Blow::DiskFull,
            Blow::KillAgent,
            Blow::KillEverything,
            Blow::LosePower,
            Blow::Split,
            Blow::FailedCopy,
            Blow::ForgedAck,
        ] {
            assert!(!plain.contains(&absent));
        }
    }
}
