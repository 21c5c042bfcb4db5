//! What the rows of a chunk stand on: the customers that are here already and that they may mean.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::{
    access::Scope,
    customer::{ContactKind, CustomerKind, Field, FieldValue},
    id::{ImportId, TeamId, UserId},
    import::{Draft, Mapped, MatchBy, OnMatch, Rules},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::{
    Result,
    access::push_scope,
    sql::{Sql, sql},
};

/// More hits than this are as ambiguous as two.
const HITS_MAX: i32 = 3;

/// Something by which a record is recognised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Id(Uuid),
    Reference(String, String),
    Contact(ContactKind, CustomerKind, String),
    /// The name, and for people the company's: both in the form that is searched.
    Name(CustomerKind, String, String),
}

impl Key {
    /// The reference of a draft.
    pub(super) fn of_reference(draft: &Draft) -> Option<Self> {
        let reference = draft.reference.as_ref()?;
        Some(Self::Reference(reference.source.clone(), reference.key.clone()))
    }

    /// The keys of the company that a draft names by its id in the installation that it was exported from: that may be
    /// this one.
    pub(super) fn of_company(draft: &Draft) -> Vec<Self> {
        let Some(FieldValue::Id(id)) = draft.fields.0.get(&Field::Company) else {
            return Vec::new();
        };
        let elsewhere = draft.reference.as_ref().map(|reference| {
            let key = id.hyphenated().to_string();
            Self::Reference(reference.source.clone(), key)
        });
        std::iter::once(Self::Id(*id)).chain(elsewhere).collect()
    }

    /// Keys of one strength decide together.
    fn strength(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::Reference(..) => 1,
            Self::Contact(ContactKind::Email, ..) => 2,
            Self::Contact(..) => 3,
            Self::Name(..) => 4,
        }
    }

    /// As it stands in the sentence about an ambiguous row.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Id(id) => format!("the id {id}"),
            Self::Reference(_, key) => format!("the reference “{key}”"),
            Self::Contact(ContactKind::Email, _, value) => format!("the e-mail address {value}"),
            Self::Contact(ContactKind::Phone, _, value) => format!("the phone number {value}"),
            Self::Contact(ContactKind::Link, _, value) => format!("the link {value}"),
            Self::Name(_, name, company) if company.is_empty() => format!("the name “{name}”"),
            Self::Name(_, name, company) => format!("the name “{name}” at “{company}”"),
        }
    }

    /// A number that stands for it, the same on every server.
    fn digest(&self) -> i64 {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("{self:?}"));
        digest
            .iter()
            .take(8)
            .fold(0_i64, |number, byte| (number << 8) | i64::from(*byte))
    }
}

/// A record that a key leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub(super) struct Known {
    pub(super) id: Uuid,
    pub(super) deleted: bool,
    pub(super) owner: Option<Uuid>,
    pub(super) team: Option<Uuid>,
    /// Whether it is a company.
    pub(super) company: bool,
}

impl Known {
    pub(super) fn is_in(&self, scope: Scope) -> bool {
        scope.holds(self.owner.map(UserId), self.team.map(TeamId))
    }
}

/// What a draft means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Nobody,
    One(Known),
    InTrash(Known),
    /// Several, by this key.
    Several(Key),
    /// Known, but out of the actor's sight.
    Hidden(Key),
}

/// The records that the keys of a chunk lead to, and those that the chunk itself makes.
pub(super) struct Ground {
    /// What the actor may read.
    reads: Scope,
    known: HashMap<Key, Vec<Known>>,
    /// Names in the form that is searched, which the database works out.
    plain: HashMap<String, String>,
}

impl Ground {
    /// Looks up all that the rows could mean, in one query a kind of key.
    pub(super) async fn lay(
        db: &impl ConnectionTrait,
        reads: Scope,
        rules: &Rules,
        rows: &[Mapped],
    ) -> Result<Self> {
        let mut ground = Self {
            reads,
            known: HashMap::new(),
            plain: HashMap::new(),
        };
        let drafts = rows.iter().flat_map(|row| row.company.iter().chain(&row.person));
        let names: BTreeSet<&str> = drafts.map(Draft::name).collect();
        ground.plain = plain(db, names).await?;
        let keys: BTreeSet<Key> = rows.iter().flat_map(|row| ground.row_keys(rules, row)).collect();
        ground.load(db, keys).await?;
        Ok(ground)
    }

    /// All that a row may be looked up by: its references also when they do not decide, for no two records share one.
    fn row_keys(&self, rules: &Rules, row: &Mapped) -> Vec<Key> {
        let mut keys = Vec::new();
        if let Some(company) = &row.company {
            keys.extend(self.keys(rules, row, company, CustomerKind::Company));
            keys.extend(Key::of_reference(company));
        }
        if let Some(person) = &row.person {
            keys.extend(self.keys(rules, row, person, CustomerKind::Person));
            keys.extend(Key::of_reference(person));
            keys.extend(Key::of_company(person));
        }
        keys
    }

    /// The keys of one record of a row, the strongest first.
    pub(super) fn keys(&self, rules: &Rules, row: &Mapped, draft: &Draft, kind: CustomerKind) -> Vec<Key> {
        let mut keys = Vec::new();
        for by in &rules.by {
            match by {
                // Another record is made of what is only alike.
                MatchBy::Email | MatchBy::Phone | MatchBy::Name if rules.then == OnMatch::Create => {}
                // The id is that of the row's own record, not of the company beside it.
                MatchBy::Id if kind == CustomerKind::Company && row.person.is_some() => {}
                MatchBy::Id => keys.extend(row.id.map(Key::Id)),
                MatchBy::Reference => keys.extend(Key::of_reference(draft)),
                MatchBy::Email => keys.extend(contacts(draft, Field::Emails, ContactKind::Email, kind)),
                MatchBy::Phone => keys.extend(contacts(draft, Field::Phones, ContactKind::Phone, kind)),
                MatchBy::Name => keys.push(self.name_key(row, draft, kind)),
            }
        }
        // A company that only stands beside its people is one and the same in all their rows.
        let beside = kind == CustomerKind::Company && row.person.is_some() && draft.reference.is_none();
        if beside && (rules.then == OnMatch::Create || !rules.by.contains(&MatchBy::Name)) {
            keys.push(self.name_key(row, draft, kind));
        }
        keys
    }

    /// The key of a name.
    pub(super) fn name_key(&self, row: &Mapped, draft: &Draft, kind: CustomerKind) -> Key {
        let company = match (kind, &row.company) {
            (CustomerKind::Person, Some(company)) => self.plain_of(company.name()),
            _ => String::new(),
        };
        Key::Name(kind, self.plain_of(draft.name()), company)
    }

    fn plain_of(&self, name: &str) -> String {
        self.plain.get(name).cloned().unwrap_or_default()
    }

    /// What the keys mean: the strongest kind of key that leads anywhere decides. Two addresses that lead to two people
    /// are as ambiguous as one that does.
    pub(super) fn find(&self, keys: &[Key]) -> Found {
        let mut in_trash = None;
        for alike in keys.chunk_by(|one, other| one.strength() == other.strength()) {
            let hits = || {
                let known = alike.iter().filter_map(|key| Some((key, self.known.get(key)?)));
                known.flat_map(|(key, known)| known.iter().map(move |known| (key, known)))
            };
            let mut living = hits().filter(|(_, known)| known.is_in(self.reads) && !known.deleted);
            if let Some((key, one)) = living.next() {
                return match living.find(|(_, other)| other.id != one.id) {
                    Some(_) => Found::Several(key.clone()),
                    None => Found::One(*one),
                };
            }
            for (key, known) in hits() {
                if known.is_in(self.reads) {
                    in_trash.get_or_insert(*known);
                } else if matches!(key, Key::Id(_) | Key::Reference(..)) {
                    return Found::Hidden(key.clone());
                }
            }
        }
        in_trash.map_or(Found::Nobody, Found::InTrash)
    }

    /// Whether anything is known by a key, seen or not.
    pub(super) fn knows(&self, key: &Key) -> bool {
        self.known.contains_key(key)
    }

    /// Notes a record that this file makes, so that a later row finds it.
    pub(super) fn add(&mut self, keys: Vec<Key>, known: Known) {
        for key in keys {
            let hits = self.known.entry(key).or_default();
            if !hits.contains(&known) {
                hits.push(known);
            }
        }
    }

    /// Notes what earlier chunks of a file would have made, in a check that writes nothing.
    pub(super) async fn add_seen(
        &mut self,
        db: &impl ConnectionTrait,
        import: ImportId,
        rules: &Rules,
        rows: &[Mapped],
        unwritten: Known,
    ) -> Result<()> {
        #[derive(FromQueryResult)]
        struct Seen {
            key: i64,
        }
        let keys: HashMap<i64, Key> = rows
            .iter()
            .flat_map(|row| self.row_keys(rules, row))
            .filter(|key| !self.known.contains_key(key))
            .map(|key| (key.digest(), key))
            .collect();
        let statement = sql(
            "SELECT key FROM import_seen WHERE import = $1 AND key = ANY($2)",
            [import.0.into(), keys.keys().copied().collect::<Vec<_>>().into()],
        );
        for seen in Seen::find_by_statement(statement).all(db).await? {
            self.add(keys.get(&seen.key).cloned().into_iter().collect(), unwritten);
        }
        Ok(())
    }

    /// Keeps what a chunk would have made for the chunks behind it.
    pub(super) async fn keep_seen(db: &impl ConnectionTrait, import: ImportId, made: &[Key]) -> Result<()> {
        let keys: Vec<i64> = made.iter().map(Key::digest).collect();
        let statement = sql(
            "INSERT INTO import_seen (import, key) SELECT $1, k FROM unnest($2::bigint[]) AS k ON CONFLICT DO NOTHING",
            [import.0.into(), keys.into()],
        );
        db.execute_raw(statement).await?;
        Ok(())
    }

    async fn load(&mut self, db: &impl ConnectionTrait, wanted: BTreeSet<Key>) -> Result<()> {
        let (mut ids, mut sources, mut references) = (Vec::new(), Vec::new(), Vec::new());
        let (mut contact_kinds, mut kinds, mut contacts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut name_kinds, mut names, mut companies) = (Vec::new(), Vec::new(), Vec::new());
        for key in wanted {
            match key {
                Key::Id(id) => ids.push(id),
                Key::Reference(source, key) => {
                    sources.push(source);
                    references.push(key);
                }
                Key::Contact(contact, kind, value) => {
                    contact_kinds.push(contact.word().to_owned());
                    kinds.push(kind.word().to_owned());
                    contacts.push(value);
                }
                Key::Name(kind, name, company) => {
                    name_kinds.push(kind.word().to_owned());
                    names.push(name);
                    companies.push(company);
                }
            }
        }
        if !ids.is_empty() {
            self.load_ids(db, ids).await?;
        }
        if !references.is_empty() {
            self.load_references(db, sources, references).await?;
        }
        if !contacts.is_empty() {
            self.load_contacts(db, contact_kinds, kinds, contacts).await?;
        }
        if !names.is_empty() {
            self.load_names(db, name_kinds, names, companies).await?;
        }
        Ok(())
    }

    async fn load_ids(&mut self, db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<()> {
        let statement = sql(
            "SELECT id, deleted_at IS NOT NULL AS deleted, owner_id AS owner, team_id AS team, \
                    kind = 'company' AS company FROM customer WHERE id = ANY($1)",
            [ids.into()],
        );
        for known in Known::find_by_statement(statement).all(db).await? {
            self.add(vec![Key::Id(known.id)], known);
        }
        Ok(())
    }

    async fn load_references(
        &mut self,
        db: &impl ConnectionTrait,
        sources: Vec<String>,
        keys: Vec<String>,
    ) -> Result<()> {
        let statement = sql(
            "SELECT w.source AS one, w.key AS two, NULL AS three, c.id, c.deleted_at IS NOT NULL AS deleted, \
                    c.owner_id AS owner, c.team_id AS team, c.kind = 'company' AS company \
             FROM unnest($1::text[], $2::text[]) AS w (source, key) \
             JOIN external_ref r ON r.source = w.source AND r.key = w.key JOIN customer c ON c.id = r.customer_id",
            [sources.into(), keys.into()],
        );
        for hit in Hit::find_by_statement(statement).all(db).await? {
            let known = hit.known();
            self.add(vec![Key::Reference(hit.one, hit.two)], known);
        }
        Ok(())
    }

    async fn load_contacts(
        &mut self,
        db: &impl ConnectionTrait,
        contact_kinds: Vec<String>,
        kinds: Vec<String>,
        values: Vec<String>,
    ) -> Result<()> {
        let mut sql = Sql::new(
            "SELECT w.contact AS one, w.kind AS two, w.value AS three, f.id, f.deleted, f.owner, f.team, \
                    w.kind = 'company' AS company FROM unnest(",
        );
        sql.bind(contact_kinds).push("::text[], ").bind(kinds);
        sql.push("::text[], ").bind(values).push(
            "::text[]) AS w (contact, kind, value), \
             LATERAL (SELECT DISTINCT c.id, c.deleted_at IS NOT NULL AS deleted, c.owner_id AS owner, c.team_id AS team \
                      FROM contact_point p JOIN customer c ON c.id = p.customer_id \
                      WHERE p.kind = w.contact AND p.normalised = w.value AND c.kind = w.kind AND ",
        );
        push_scope(&mut sql, self.reads);
        sql.push(" ORDER BY deleted").limit(HITS_MAX).push(") AS f");
        for hit in Hit::find_by_statement(sql.done()).all(db).await? {
            let known = hit.known();
            if let (Ok(contact), Ok(kind)) = (hit.one.parse(), hit.two.parse()) {
                self.add(
                    vec![Key::Contact(contact, kind, hit.three.unwrap_or_default())],
                    known,
                );
            }
        }
        Ok(())
    }

    async fn load_names(
        &mut self,
        db: &impl ConnectionTrait,
        kinds: Vec<String>,
        names: Vec<String>,
        companies: Vec<String>,
    ) -> Result<()> {
        let mut sql = Sql::new(
            "SELECT w.kind AS one, w.name AS two, w.company AS three, f.id, f.deleted, f.owner, f.team, \
                    w.kind = 'company' AS company FROM unnest(",
        );
        sql.bind(kinds).push("::text[], ").bind(names);
        sql.push("::text[], ").bind(companies).push(
            "::text[]) AS w (kind, name, company), \
             LATERAL (SELECT c.id, false AS deleted, c.owner_id AS owner, c.team_id AS team \
                      FROM customer c LEFT JOIN customer k ON k.id = c.company_id \
                      WHERE c.name_plain = w.name AND c.kind = w.kind AND c.deleted_at IS NULL \
                        AND (c.kind = 'company' OR coalesce(k.name_plain, '') = w.company) AND ",
        );
        push_scope(&mut sql, self.reads);
        sql.limit(HITS_MAX).push(") AS f");
        for hit in Hit::find_by_statement(sql.done()).all(db).await? {
            let known = hit.known();
            if let Ok(kind) = hit.one.parse() {
                self.add(
                    vec![Key::Name(kind, hit.two, hit.three.unwrap_or_default())],
                    known,
                );
            }
        }
        Ok(())
    }
}

/// A record that a query found by the words of its key.
#[derive(FromQueryResult)]
struct Hit {
    one: String,
    two: String,
    three: Option<String>,
    id: Uuid,
    deleted: bool,
    owner: Option<Uuid>,
    team: Option<Uuid>,
    company: bool,
}

impl Hit {
    fn known(&self) -> Known {
        Known {
            id: self.id,
            deleted: self.deleted,
            owner: self.owner,
            team: self.team,
            company: self.company,
        }
    }
}

/// The contact points of a draft as keys.
fn contacts(draft: &Draft, field: Field, contact: ContactKind, kind: CustomerKind) -> Vec<Key> {
    match draft.fields.0.get(&field) {
        Some(FieldValue::List(values)) => values
            .iter()
            .map(|value| Key::Contact(contact, kind, contact.normalise(value)))
            .collect(),
        _ => Vec::new(),
    }
}

#[derive(FromQueryResult)]
struct Plain {
    name: String,
    plain: String,
}

/// Names in the form that is searched.
async fn plain(db: &impl ConnectionTrait, names: BTreeSet<&str>) -> Result<HashMap<String, String>> {
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let statement = sql(
        "SELECT w AS name, rapport_plain(w) AS plain FROM unnest($1::text[]) AS w",
        [names.into()],
    );
    let rows = Plain::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.plain)).collect())
}
