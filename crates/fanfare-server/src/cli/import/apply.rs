//! Does what was planned. Doing it again makes what is missing still.

use fanfare_server::admin::{State, SubscriptionInput, SubscriptionView, TopicInput, TopicView};
use serde_json::json;

use super::super::screen::{Colour, Screen};
use super::super::{Server, Trouble};
use super::plan::{Act, Plan, PlannedSubscription, PlannedTopic};

/// Makes what is to be made, and goes on after what is refused.
pub(super) async fn apply(plan: &Plan, server: &Server, screen: Screen) -> Result<(), Trouble> {
    let (mut made, mut refused) = (0_usize, 0_usize);
    for topic in &plan.topics {
        if topic.act == Act::Create {
            match create(topic, server).await {
                Ok(()) => made += 1,
                Err(trouble) => {
                    // Its subscriptions have nothing to belong to.
                    refused += 1 + topic.subscriptions.iter().filter(|known| known.act == Act::Create).count();
                    tell(screen, &format!("topic {}", topic.name), &trouble);
                    continue;
                }
            }
        }
        for known in topic.subscriptions.iter().filter(|known| known.act == Act::Create) {
            match subscribe(topic, known, server).await {
                Ok(()) => made += 1,
                Err(trouble) => {
                    refused += 1;
                    tell(screen, &format!("{} {} {}", topic.name, known.protocol, known.endpoint), &trouble);
                }
            }
        }
    }
    screen.line(format_args!("{made} created."));
    match refused {
        0 => Ok(()),
        count => Err(Trouble::new(format_args!("{count} could not be created"))),
    }
}

async fn create(topic: &PlannedTopic, server: &Server) -> Result<(), Trouble> {
    let PlannedTopic { name, attributes, tags, .. } = topic;
    let input = TopicInput { name: name.clone(), attributes: attributes.clone(), tags: tags.clone() };
    server.post::<TopicView>("/topics", &input).await.map(drop)
}

async fn subscribe(topic: &PlannedTopic, known: &PlannedSubscription, server: &Server) -> Result<(), Trouble> {
    let PlannedSubscription { protocol, endpoint, attributes, .. } = known;
    let path = format!("/topics/{}/subscriptions", topic.name);
    let input =
        SubscriptionInput { protocol: protocol.clone(), endpoint: endpoint.clone(), attributes: attributes.clone() };
    let made: SubscriptionView = server.post(&path, &input).await?;
    // Queues and functions of other accounts are asked as well.
    if known.confirm && made.state == State::Pending {
        server.post::<SubscriptionView>(&format!("{path}/{}/confirm", made.id), &json!({})).await?;
    }
    Ok(())
}

fn tell(screen: Screen, what: &str, trouble: &Trouble) {
    screen.note(format_args!("{} {what}: {}", screen.painted(Colour::Red, "refused"), trouble.text()));
}
