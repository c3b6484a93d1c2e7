//! Policies and events of several kinds, the same ones each time.

use serde::{Deserialize, Serialize};

/// Events of each kind; they take turns.
const EVENTS: usize = 512;

/// What policies and events look like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Each policy wants two of ten types of events of a tenant of its own; events have about 150 bytes.
    Tenants,
    /// One to three keys with exact values, prefixes, suffixes, ranges, exclusions and booleans; the same events.
    Mixed,
    /// Few policies that use little of a large event of about 800 bytes.
    Large,
}

const TYPES: [&str; 10] =
    ["created", "paid", "packed", "sent", "returned", "refunded", "cancelled", "reviewed", "changed", "closed"];

const REGIONS: [&str; 4] = ["eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"];

impl Kind {
    /// The texts of so many policies.
    pub(super) fn policies(self, count: usize) -> Vec<String> {
        let mut dice = Dice(0x5eed);
        (0..count)
            .map(|number| match self {
                Self::Tenants => {
                    let (first, second) = (dice.below(10), dice.below(10));
                    format!(
                        r#"{{"tenant":["tenant-{number}"],"type":["{}","{}"]}}"#,
                        TYPES[first],
                        TYPES[(first + 1 + second % 9) % 10]
                    )
                }
                Self::Mixed => mixed(&mut dice, count),
                Self::Large => format!(
                    r#"{{"order":{{"state":["state-{}"],"total":[{{"numeric":[">=",{}]}}]}}}}"#,
                    dice.below(20),
                    dice.below(1000)
                ),
            })
            .collect()
    }

    /// The texts of events; a fifth of them has a tenant that a policy names.
    pub(super) fn events(self, policies: usize) -> Vec<String> {
        let mut dice = Dice(0xe4e27);
        (0..EVENTS).map(|_| if self == Self::Large { large(&mut dice) } else { small(&mut dice, policies) }).collect()
    }
}

fn mixed(dice: &mut Dice, count: usize) -> String {
    let mut clauses = vec![match dice.below(4) {
        0 => format!(r#""tenant":["tenant-{}"]"#, dice.below(count * 5)),
        1 => format!(r#""tenant":[{{"prefix":"tenant-{}"}}]"#, 100 + dice.below(count.max(900))),
        2 => format!(r#""id":[{{"suffix":"{:04x}"}}]"#, dice.below(1 << 16)),
        _ => {
            let bottom = dice.below(10_000);
            format!(r#""amount":[{{"numeric":[">=",{bottom},"<",{}]}}]"#, bottom + 1 + dice.below(20))
        }
    }];
    if dice.below(2) == 0 {
        clauses.push(match dice.below(3) {
            0 => format!(r#""type":["{}"]"#, TYPES[dice.below(10)]),
            1 => format!(r#""type":[{{"anything-but":["{}","{}"]}}]"#, TYPES[dice.below(5)], TYPES[5 + dice.below(5)]),
            _ => format!(r#""region":["{}"]"#, REGIONS[dice.below(4)]),
        });
    }
    if dice.below(3) == 0 {
        clauses.push(format!(r#""urgent":[{}]"#, dice.below(2) == 0));
    }
    format!("{{{}}}", clauses.join(","))
}

fn small(dice: &mut Dice, policies: usize) -> String {
    format!(
        r#"{{"id":"{:08x}-{:04x}","tenant":"tenant-{}","type":"{}","region":"{}","amount":{},"urgent":{},"note":"left by the side door"}}"#,
        dice.below(1 << 32),
        dice.below(1 << 16),
        dice.below(policies * 5),
        TYPES[dice.below(10)],
        REGIONS[dice.below(4)],
        dice.below(10_000),
        dice.below(2) == 0,
    )
}

fn large(dice: &mut Dice) -> String {
    let items: Vec<String> = (0..8)
        .map(|_| {
            format!(
                r#"{{"sku":"sku-{:06}","count":{},"price":{}.{:02},"name":"a thing of some kind"}}"#,
                dice.below(1_000_000),
                1 + dice.below(9),
                dice.below(500),
                dice.below(100)
            )
        })
        .collect();
    format!(
        r#"{{"id":"{:016x}","items":[{}],"customer":{{"name":"Maria Musterfrau","city":"Springfield","zip":"{:05}"}},"order":{{"state":"state-{}","total":{}}}}}"#,
        dice.below(1 << 48),
        items.join(","),
        dice.below(100_000),
        dice.below(20),
        dice.below(2000)
    )
}

/// Numbers that look random and are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use fanfare::{FilterPolicy, FilterPolicyScope};

    use super::*;

    #[test]
    fn events_have_the_size_that_they_are_known_by() {
        let mean = |kind: Kind| kind.events(1000).iter().map(String::len).sum::<usize>() / EVENTS;
        assert!((140..160).contains(&mean(Kind::Tenants)), "{}", mean(Kind::Tenants));
        assert!((700..900).contains(&mean(Kind::Large)), "{}", mean(Kind::Large));
    }

    #[test]
    fn every_policy_can_be_read_and_some_want_some_events() {
        for kind in [Kind::Tenants, Kind::Mixed, Kind::Large] {
            let parse = |text: &String| FilterPolicy::parse(text, FilterPolicyScope::MessageBody).unwrap();
            let policies: Vec<_> = kind.policies(1000).iter().map(parse).collect();
            let matches: usize = kind.events(1000).iter().map(|event| super::super::each(&policies, event)).sum();
            assert!(matches > 0 && matches < EVENTS * 500, "{kind:?}: {matches}");
        }
    }
}
