//! Topics and subscriptions, each a row with its record as JSON, and documents.

use std::num::NonZeroUsize;

use async_trait::async_trait;
use fanfare_core::store::{
    Change, DocumentRecord, RegistryPages, RegistryRecords, RegistryStore, StoreError, SubscriptionPage,
};
use fanfare_core::subscription::SubscriptionId;
use rusqlite::{Connection, Params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Attempting, unreadable};
use crate::store::DiskStore;
use crate::writer::Batch;

#[async_trait]
impl RegistryStore for DiskStore {
    fn outlives_the_process(&self) -> bool {
        true
    }

    async fn load(&self) -> Result<RegistryRecords, StoreError> {
        let read = |connection: &Connection| {
            // One snapshot for all of it.
            let transaction = connection.unchecked_transaction().attempting("cannot read the registry")?;
            let subscriptions = subscriptions(&transaction, None, i64::MAX)?.records()?;
            Ok(RegistryRecords { subscriptions, ..all_but_subscriptions(&transaction)? })
        };
        self.readers.read(read).await
    }

    fn pages(&self) -> Option<&dyn RegistryPages> {
        Some(self)
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.writer.write(0, move |batch| changes.into_iter().try_for_each(|change| save(batch, change)), |()| {}).await
    }
}

#[async_trait]
impl RegistryPages for DiskStore {
    async fn all_but_subscriptions(&self) -> Result<RegistryRecords, StoreError> {
        self.readers.read(all_but_subscriptions).await
    }

    async fn subscriptions_after(
        &self,
        after: Option<SubscriptionId>,
        max: NonZeroUsize,
    ) -> Result<SubscriptionPage, StoreError> {
        let max = i64::try_from(max.get()).unwrap_or(i64::MAX);
        self.readers.read(move |connection| subscriptions(connection, after, max)).await
    }
}

fn all_but_subscriptions(connection: &Connection) -> Result<RegistryRecords, StoreError> {
    let topics = records(connection, "topic", "SELECT record FROM topic ORDER BY arn", [])?;
    Ok(RegistryRecords { topics, subscriptions: Vec::new(), documents: documents(connection)? })
}

fn subscriptions(
    connection: &Connection,
    after: Option<SubscriptionId>,
    max: i64,
) -> Result<SubscriptionPage, StoreError> {
    let act = "cannot read the records of table subscription";
    let after = after.map_or(i64::MIN, |id| id.0.cast_signed());
    let sql = "SELECT id, record FROM subscription WHERE id > ? ORDER BY id LIMIT ?";
    let mut statement = connection.prepare_cached(sql).attempting(act)?;
    let mut rows = statement.query([after, max]).attempting(act)?;
    let mut page = SubscriptionPage::new();
    while let Some(row) = rows.next().attempting(act)? {
        let id = row.get::<_, i64>(0).attempting(act)?;
        let record = row.get_ref(1).and_then(|record| Ok(record.as_str()?)).attempting(act)?;
        page.push(SubscriptionId(id.cast_unsigned()), record);
    }
    Ok(page)
}

fn records<T: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<T>, StoreError> {
    let act = format!("cannot read the records of table {table}");
    let mut statement = connection.prepare_cached(sql).attempting(&act)?;
    let mut rows = statement.query(parameters).attempting(&act)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().attempting(&act)? {
        let record = row.get_ref(0).and_then(|record| Ok(record.as_str()?)).attempting(&act)?;
        records.push(serde_json::from_str(record).map_err(|error| unreadable(&act, error))?);
    }
    Ok(records)
}

fn documents(connection: &Connection) -> Result<Vec<DocumentRecord>, StoreError> {
    let act = "cannot read the documents";
    let mut statement =
        connection.prepare_cached("SELECT kind, id, text FROM document ORDER BY kind, id").attempting(act)?;
    let rows = statement
        .query_map([], |row| Ok(DocumentRecord { kind: row.get("kind")?, id: row.get("id")?, text: row.get("text")? }));
    rows.and_then(Iterator::collect).attempting(act)
}

fn save(batch: &mut Batch<'_>, change: Change) -> Result<(), StoreError> {
    match change {
        Change::PutTopic(topic) => {
            let sql = "INSERT OR REPLACE INTO topic (arn, record) VALUES (?, ?)";
            batch.execute(sql, params![topic.arn.as_str(), json(&topic)])?
        }
        Change::RemoveTopic(arn) => batch.execute("DELETE FROM topic WHERE arn = ?", [arn.as_str()])?,
        Change::PutSubscription(subscription) => {
            let sql = "INSERT OR REPLACE INTO subscription (id, record) VALUES (?, ?)";
            batch.execute(sql, params![subscription.id.cast_signed(), json(&subscription)])?
        }
        Change::RemoveSubscription(id) => {
            // Nobody can redrive them any more.
            let lane = [id.0.cast_signed()];
            let dead = "SELECT number FROM dead WHERE lane = ?";
            batch.execute(&format!("UPDATE message SET holds = holds - 1 WHERE number IN ({dead})"), lane)?;
            batch.execute("DELETE FROM dead WHERE lane = ?", lane)?;
            batch.execute("DELETE FROM subscription WHERE id = ?", lane)?
        }
        Change::PutDocument(document) => {
            let sql = "INSERT OR REPLACE INTO document (kind, id, text) VALUES (?, ?, ?)";
            batch.execute(sql, params![document.kind, document.id, document.text])?
        }
        Change::RemoveDocument { kind, id } => {
            batch.execute("DELETE FROM document WHERE kind = ? AND id = ?", params![kind, id])?
        }
        _ => unreachable!("every change of this version of the engine is known"),
    };
    Ok(())
}

fn json(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("a record of strings and numbers is JSON")
}
