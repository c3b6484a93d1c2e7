//! Policies and events as topics have them, by number: the same on every run.

use std::fmt::Write as _;

/// A kind of topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Each subscriber is a tenant of its own and wants two of ten types of events.
    Tenants,
    /// Policies of one to three keys over all common operators.
    Mixed,
}

const TYPES: [&str; 10] = [
    "order.created",
    "order.paid",
    "order.shipped",
    "order.returned",
    "order.closed",
    "parcel.packed",
    "parcel.moved",
    "parcel.lost",
    "invoice.sent",
    "invoice.due",
];

impl Workload {
    /// The policy with that number, on the message's text.
    pub(crate) fn policy(self, number: u64) -> String {
        let mut random = Random::new(number);
        match self {
            Self::Tenants => {
                let first = random.below(10);
                let second = (first + 1 + random.below(9)) % 10;
                let (first, second) = (TYPES[first as usize], TYPES[second as usize]);
                format!(r#"{{"tenant":["{}"],"type":["{first}","{second}"]}}"#, tenant(number))
            }
            Self::Mixed => mixed(&mut random),
        }
    }

    /// The event with that number, for a topic of so many policies: an object of 148 bytes.
    pub(crate) fn event(self, number: u64, policies: u64) -> String {
        let mut random = Random::new(number ^ 0x00ff_00ff_00ff_00ff);
        let tenant = match self {
            Self::Tenants => tenant(random.below(policies)),
            Self::Mixed => tenant(random.below(1000)),
        };
        let kind = TYPES[random.below(10) as usize];
        let (sku, price, vip) = (sku(&mut random), random.below(100_000), random.below(2) == 1);
        let mut event = format!(r#"{{"tenant":"{tenant}","type":"{kind}","sku":"{sku}","price":"#);
        let _ = write!(event, r#"{}.{:02},"vip":{vip},"at":"2031-04-05T06:07:08Z","note":""#, price / 100, price % 100);
        let filler = 148 - 2 - event.len();
        event.extend(std::iter::repeat_n('x', filler));
        event.push_str("\"}");
        event
    }
}

fn mixed(random: &mut Random) -> String {
    let mut policy = match random.below(4) {
        0 => format!(r#"{{"tenant":["{}"]"#, tenant(random.below(1000))),
        1 => format!(r#"{{"sku":[{{"prefix":"{}"}}]"#, &sku(random)[..2]),
        2 => format!(r#"{{"sku":[{{"suffix":"{}"}}]"#, &sku(random)[6..]),
        _ => {
            let bottom = random.below(990);
            format!(r#"{{"price":[{{"numeric":[">=",{bottom},"<",{}]}}]"#, bottom + 1 + random.below(10))
        }
    };
    let more = random.below(3);
    if more > 0 {
        let _ = write!(policy, r#","type":[{{"anything-but":["{}"]}}]"#, TYPES[random.below(10) as usize]);
    }
    if more > 1 {
        let _ = write!(policy, r#","vip":[{}]"#, random.below(2) == 1);
    }
    policy.push('}');
    policy
}

fn tenant(number: u64) -> String {
    format!("t-{number:07}")
}

/// Two letters, a dash and six digits.
fn sku(random: &mut Random) -> String {
    let letter = |number: u64| char::from(b'A' + u8::try_from(number).unwrap_or_default());
    let letters = [letter(random.below(26)), letter(random.below(26))];
    format!("{}{}-{:06}", letters[0], letters[1], random.below(1_000_000))
}

/// Numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end
    }
}
