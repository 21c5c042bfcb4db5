//! Who looks at which record, and which field they are changing: in Redis, for all servers, and gone by itself.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{
    access::{Ability, Kind},
    error::AppError,
    id::UserId,
    live::{Here, Looking},
};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Ctx, Result, Service,
    access::{push_scope, require},
    limit,
    sql::Sql,
};

/// For how long it counts what a tab said, in milliseconds. It says it again in good time, also where a browser lets the
/// clocks of a tab in the background tick once a minute.
const GOOD_FOR: i64 = 75_000;
/// The longest name of a field.
const FIELD_MAX: usize = 40;

/// Notes where a tab is, or that it is nowhere any more; what arrives behind what was said later says nothing. KEYS: who is where,
/// and a count of changes. ARGV: the tab, what it says, the most tabs there may be, whether it is somewhere.
const NOTE: &str = "
local new = cjson.decode(ARGV[2])
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then old = cjson.decode(old) end
if old and old.turn > new.turn then return 0 end
if not old and (ARGV[4] == '' or redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3])) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], 600000)
if not old or old.record ~= new.record or old.field ~= new.field then
  redis.call('INCR', KEYS[2])
end
return 0";
/// The most tabs that are noted at once.
const TABS_MAX: &str = "20000";

/// Tells the count, and who is where if it is not the one that is known. What nobody said again is forgotten. ARGV: the
/// known count, and now.
const LOOK: &str = "
local all = redis.call('HGETALL', KEYS[1])
local gone = 0
for i = 1, #all, 2 do
  if cjson.decode(all[i + 1])['until'] < tonumber(ARGV[2]) then
    redis.call('HDEL', KEYS[1], all[i])
    gone = gone + 1
  end
end
if gone > 0 then redis.call('INCR', KEYS[2]) end
local count = redis.call('GET', KEYS[2]) or '0'
if count == ARGV[1] then return {count} end
local told = redis.call('HVALS', KEYS[1])
table.insert(told, 1, count)
return told";

/// A tab, as it is noted.
#[derive(Serialize, Deserialize)]
struct Noted {
    record: Uuid,
    user: UserId,
    name: String,
    field: Option<String>,
    until: i64,
    turn: u64,
}

/// Who looks at what.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    count: String,
    /// By record, each person once: with the field that they change, if they change one in any of their tabs.
    pub(super) people: BTreeMap<Uuid, Vec<Looking>>,
}

#[derive(FromQueryResult)]
struct Name {
    name: String,
}

fn keys() -> [String; 2] {
    ["looking".to_owned(), "looking:count".to_owned()]
}

/// Notes where the actor is.
///
/// # Errors
/// [`AppError::NotFound`] for a record that is not in sight; [`AppError::Invalid`] for a field that cannot be one;
/// [`AppError::TooManyRequests`].
pub async fn here(ctx: &Ctx, here: Here) -> Result<()> {
    let user = ctx.actor().user;
    limit::take(ctx.service(), &[(limit::HERE, &user.to_string())]).await?;
    let field = here.field.filter(|field| !field.is_empty());
    let is_name = |field: &String| {
        field.len() <= FIELD_MAX
            && field
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    if !field.as_ref().is_none_or(is_name) {
        return Err(AppError::invalid("field", "This is no field.").into());
    }
    let name = match here.record {
        Some(record) => name_in_sight(ctx, record).await?,
        None => None,
    };
    let noted = Noted {
        // A record that went out of sight is left, too.
        record: here.record.filter(|_| name.is_some()).unwrap_or_default(),
        user,
        name: name.clone().unwrap_or_default(),
        field,
        until: ctx.clock().now().timestamp_millis() + GOOD_FOR,
        turn: here.turn,
    };
    let arguments = vec![
        format!("{user}:{}", here.tab),
        serde_json::to_string(&noted)?,
        TABS_MAX.to_owned(),
        if name.is_some() { "here" } else { "" }.to_owned(),
    ];
    let redis = ctx.service().redis();
    redis.script::<i64>(NOTE, &keys(), arguments).await?;
    match (here.record, name) {
        (Some(_), None) => Err(AppError::NotFound.into()),
        _ => Ok(()),
    }
}

/// The actor's name, if the customer is in their sight.
async fn name_in_sight(ctx: &Ctx, customer: Uuid) -> Result<Option<String>> {
    let scope = require(ctx.actor(), Kind::Customer, Ability::Read)?;
    let mut sql = Sql::new("SELECT u.name FROM customer c JOIN app_user u ON u.id = ");
    sql.bind(ctx.actor().user.0)
        .push(" WHERE c.id = ")
        .bind(customer)
        .push(" AND ");
    push_scope(&mut sql, scope);
    let name = Name::find_by_statement(sql.done()).one(ctx.db()).await?;
    Ok(name.map(|found| found.name))
}

/// Who looks at what, if that changed since.
pub(super) async fn look(service: &Service, known: &Seen) -> Result<Option<Seen>> {
    let now = service.clock().now().timestamp_millis().to_string();
    let arguments = vec![known.count.clone(), now];
    let told: Vec<String> = service.redis().script(LOOK, &keys(), arguments).await?;
    let mut told = told.into_iter();
    let count = told.next().unwrap_or_default();
    if count == known.count {
        return Ok(None);
    }
    let mut people = BTreeMap::<Uuid, BTreeMap<UserId, Looking>>::new();
    // What an older or newer program noted is left out.
    let noted = told.filter_map(|text| serde_json::from_str::<Noted>(&text).ok());
    for noted in noted.filter(|noted| !noted.record.is_nil()) {
        let there = people.entry(noted.record).or_default();
        let looking = there.entry(noted.user).or_insert(Looking {
            user: noted.user,
            name: noted.name,
            field: None,
        });
        let fields: BTreeSet<String> = looking.field.take().into_iter().chain(noted.field).collect();
        looking.field = fields.into_iter().next();
    }
    let people = people
        .into_iter()
        .map(|(record, people)| (record, people.into_values().collect()));
    Ok(Some(Seen {
        count,
        people: people.collect(),
    }))
}
