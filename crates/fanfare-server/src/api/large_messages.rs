//! Topics that take larger messages than every protocol can carry.

use fanfare::{Destination, Protocol, Topic, TopicArn};

use super::Api;
use super::refusal::Refusal;

/// The most bytes of a message that every protocol carries.
const BYTES_EVERYWHERE: usize = 262_144;

/// How many subscriptions a topic with larger messages may have.
const SUBSCRIPTIONS_MAX: usize = 100;

impl Api {
    /// Refuses larger messages on a topic with subscriptions that cannot have them.
    pub(super) fn check_larger_messages(&self, topic: &TopicArn, bytes: usize) -> Result<(), Refusal> {
        if bytes <= BYTES_EVERYWHERE {
            return Ok(());
        }
        let subscriptions = self.fanfare.subscriptions_page(topic, None, SUBSCRIPTIONS_MAX + 1)?;
        if subscriptions.len() > SUBSCRIPTIONS_MAX {
            return Err(refusal(&format!("the topic has more than {SUBSCRIPTIONS_MAX} subscriptions")));
        }
        match subscriptions.iter().find(|subscription| !carries(subscription.protocol())) {
            Some(subscription) => {
                Err(refusal(&format!("the topic has a subscription over {}", subscription.protocol())))
            }
            None => Ok(()),
        }
    }

    /// Refuses one more subscription, to `address`, on a topic with larger messages when it could not have them.
    pub(super) fn check_subscription_to_larger(
        &self,
        topic: &Topic,
        protocol: &Protocol,
        address: &str,
    ) -> Result<(), Refusal> {
        if topic.maximum_message_size() <= BYTES_EVERYWHERE {
            return Ok(());
        }
        if !carries(protocol) {
            return Err(refusal(&format!("the topic cannot have a subscription over {protocol}")));
        }
        let known = self.fanfare.subscriptions_page(topic.arn(), None, SUBSCRIPTIONS_MAX)?;
        let destination = Destination::address(protocol.clone(), address);
        let is_new = known.iter().all(|known| *known.destination() != destination);
        if is_new && known.len() == SUBSCRIPTIONS_MAX {
            return Err(refusal(&format!("the topic cannot have more than {SUBSCRIPTIONS_MAX} subscriptions")));
        }
        Ok(())
    }
}

/// Amazon SNS names Firehose too.
fn carries(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::Sqs | Protocol::Lambda)
}

fn refusal(why: &str) -> Refusal {
    Refusal::invalid_parameter(format_args!(
        "MaximumMessageSize Reason: {why} while messages may have more than {BYTES_EVERYWHERE} bytes"
    ))
}
