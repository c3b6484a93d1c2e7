//! Which message has which `MessageId`: ids are random, so that an index sorted by them would change a page for each message.
//!
//! The messages that came last, a few thousand of them, are looked through one by one. Those before are in blocks of
//! [`BLOCK`], each a row of `message_ids` for the numbers from `first` to `last`: for each message six bytes, four of its id's
//! checksum and two of its number's distance from `first`, sorted. What a block finds is compared with the message itself.

use rusqlite::{Connection, params};

use crate::sum::sum;

/// Messages of a block.
const BLOCK: usize = 4096;

const ENTRY: usize = 6;

/// The number up to which messages are in blocks.
pub(crate) fn indexed(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(last), 0) FROM message_ids", [], |row| row.get(0))
}

/// Puts the messages after `indexed` into blocks when there are enough of them, given the number of the last. Answers up to
/// which number messages are in blocks then.
pub(crate) fn index(connection: &Connection, indexed: i64, last: i64) -> rusqlite::Result<i64> {
    if last - indexed < BLOCK as i64 {
        return Ok(indexed);
    }
    let mut find =
        connection.prepare_cached("SELECT number, message_id FROM message WHERE number > ? ORDER BY number")?;
    let mut rows = find.query([indexed])?;
    let before = indexed;
    let mut indexed = indexed;
    let mut block = Block::default();
    while let Some(row) = rows.next()? {
        let (number, id) = (row.get(0)?, row.get_ref(1)?.as_str()?);
        if !block.add(number, id) {
            indexed = block.write(connection)?;
            block = Block::default();
            block.add(number, id);
        }
    }
    // What is left of many waits for more; few, of which others have gone, are not to be looked through again each time.
    if indexed == before && !block.entries.is_empty() { block.write(connection) } else { Ok(indexed) }
}

/// The numbers of the messages of that id, in order.
pub(crate) fn find(connection: &Connection, id: &str) -> rusqlite::Result<Vec<i64>> {
    // One snapshot, so that what moves into a block meanwhile is found there or among the last.
    let snapshot = connection.unchecked_transaction()?;
    let indexed = indexed(&snapshot)?;
    let mut found = Vec::new();
    let mut is_it = snapshot.prepare_cached("SELECT message_id = ? FROM message WHERE number = ?")?;
    let mut blocks = snapshot.prepare_cached("SELECT first, ids FROM message_ids ORDER BY last")?;
    let mut rows = blocks.query([])?;
    while let Some(row) = rows.next()? {
        let first: i64 = row.get(0)?;
        for distance in matches(row.get_ref(1)?.as_blob()?, id) {
            let number = first + i64::from(distance);
            let mut message = is_it.query(params![id, number])?;
            if let Some(message) = message.next()?
                && message.get(0)?
            {
                found.push(number);
            }
        }
    }
    let mut last =
        snapshot.prepare_cached("SELECT number FROM message WHERE number > ? AND message_id = ? ORDER BY number")?;
    for number in last.query_map(params![indexed, id], |row| row.get(0))? {
        found.push(number?);
    }
    found.sort_unstable();
    Ok(found)
}

/// What is wrong with the blocks.
pub(crate) fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut expected = 0;
    let mut blocks = connection.prepare("SELECT first, last, ids FROM message_ids ORDER BY last")?;
    let mut rows = blocks.query([])?;
    while let Some(row) = rows.next()? {
        let [first, last]: [i64; 2] = [row.get(0)?, row.get(1)?];
        let ids = row.get_ref(2)?.as_blob()?;
        let mut messages = connection
            .prepare_cached("SELECT number, message_id FROM message WHERE number BETWEEN ? AND ? ORDER BY number")?;
        let mut messages = messages.query([first, last])?;
        while let Some(message) = messages.next()? {
            let (number, id): (i64, String) = (message.get(0)?, message.get(1)?);
            expected += 1;
            if !matches(ids, &id).any(|distance| first + i64::from(distance) == number) {
                problems.push(format!("message {number} cannot be found by its id"));
            }
        }
    }
    let sql = "SELECT count(*) FROM message WHERE number <= (SELECT coalesce(max(last), 0) FROM message_ids)";
    let there: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    if there != expected {
        problems.push(format!("{} messages cannot be found by their ids", there - expected));
    }
    Ok(problems)
}

/// The distances of those messages of a block whose ids have the checksum of `id`.
fn matches<'a>(ids: &'a [u8], id: &str) -> impl Iterator<Item = u16> + use<'a> {
    let (key, entries) = (key(id), ids.as_chunks::<ENTRY>().0);
    let from = entries.partition_point(|entry| entry[..4] < key[..]);
    let same = entries[from..].iter().take_while(move |entry| entry[..4] == key[..]);
    same.map(|entry| u16::from_be_bytes([entry[4], entry[5]]))
}

fn key(id: &str) -> [u8; 4] {
    // The high half has mixed what the low half has.
    ((sum(id.as_bytes()).cast_unsigned() >> 32) as u32).to_be_bytes()
}

/// A block in the making.
#[derive(Default)]
struct Block {
    first: i64,
    last: i64,
    entries: Vec<[u8; ENTRY]>,
}

impl Block {
    /// Adds a message unless it is full.
    fn add(&mut self, number: i64, id: &str) -> bool {
        if self.entries.is_empty() {
            self.first = number;
        }
        let Ok(distance) = u16::try_from(number - self.first) else { return false };
        if self.entries.len() == BLOCK {
            return false;
        }
        let ([a, b, c, d], [e, f]) = (key(id), distance.to_be_bytes());
        self.entries.push([a, b, c, d, e, f]);
        self.last = number;
        true
    }

    /// Writes it, and answers its last number.
    fn write(mut self, connection: &Connection) -> rusqlite::Result<i64> {
        self.entries.sort_unstable();
        let sql = "INSERT INTO message_ids (last, first, ids) VALUES (?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![self.last, self.first, self.entries.as_flattened()])?;
        Ok(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{self, Marked};

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, Marked::Empty).unwrap();
        connection
    }

    fn insert(connection: &Connection, number: i64, id: &str) {
        let sql = "INSERT INTO message (number, message_id, topic, at, size, holds, counted, grp)
                   VALUES (?, ?, '', 0, 0, 0, 1, '')";
        connection.prepare_cached(sql).unwrap().execute(params![number, id]).unwrap();
    }

    #[test]
    fn a_message_is_found_in_a_block_and_behind_the_blocks() {
        let connection = database();
        let last = 2 * BLOCK as i64 + 100;
        (1..=last).for_each(|number| insert(&connection, number, &format!("message {number}")));
        let indexed_to = index(&connection, 0, last).unwrap();
        assert_eq!((indexed_to, indexed(&connection).unwrap()), (2 * BLOCK as i64, 2 * BLOCK as i64));
        for number in [1, 2, 4095, 4096, 4097, 8192, 8193, last] {
            assert_eq!(find(&connection, &format!("message {number}")).unwrap(), [number]);
        }
        assert_eq!(find(&connection, "message 0").unwrap(), [0; 0]);
        assert_eq!(problems(&connection).unwrap(), [""; 0]);
    }

    #[test]
    fn messages_that_are_far_apart_share_no_block() {
        let connection = database();
        let numbers: Vec<_> = (1..=BLOCK as i64 + 1).map(|number| number * 100).collect();
        numbers.iter().for_each(|&number| insert(&connection, number, &format!("message {number}")));
        let last = *numbers.last().unwrap();
        index(&connection, 0, last).unwrap();
        for number in [100, 65_600, 65_700, last] {
            assert_eq!(find(&connection, &format!("message {number}")).unwrap(), [number]);
        }
        assert_eq!(problems(&connection).unwrap(), [""; 0]);
    }

    #[test]
    fn a_few_messages_whose_neighbours_have_gone_are_a_block() {
        let connection = database();
        insert(&connection, 7, "message 7");
        assert_eq!(index(&connection, 0, BLOCK as i64 - 1).unwrap(), 0, "they are not many");
        assert_eq!(index(&connection, 0, BLOCK as i64).unwrap(), 7);
        assert_eq!(find(&connection, "message 7").unwrap(), [7]);
        assert_eq!(index(&connection, 7, 2 * BLOCK as i64).unwrap(), 7, "there is nothing");
    }

    #[test]
    fn what_is_missing_from_a_block_is_a_problem() {
        let connection = database();
        (1..=BLOCK as i64).for_each(|number| insert(&connection, number, &format!("message {number}")));
        index(&connection, 0, BLOCK as i64).unwrap();
        connection.execute("UPDATE message SET message_id = 'another' WHERE number = 7", []).unwrap();
        assert_eq!(problems(&connection).unwrap(), ["message 7 cannot be found by its id"]);
        assert_eq!(find(&connection, "message 7").unwrap(), [0; 0], "what a block finds is compared");
        connection.execute("UPDATE message_ids SET first = 2000", []).unwrap();
        assert!(problems(&connection).unwrap().contains(&"1999 messages cannot be found by their ids".to_owned()));
    }
}
