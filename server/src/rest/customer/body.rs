//! How a customer is written in JSON.

use rapport_domain::customer::{
    ContactKind, Customer, CustomerKind, CustomerPage, CustomerRow, Related, Stage, Total,
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::Object},
};
use uuid::Uuid;

use crate::rest::{
    describe::{needing, words},
    input::Input,
    output::{Versioned, iso},
};

/// A customer, whole.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomerBody {
    id: Uuid,
    /// Counts up with every change; the ETag says the same.
    version: i64,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    #[schema(schema_with = stages)]
    stage: &'static str,
    #[schema(example = "Nordlicht Feinkost")]
    name: String,
    job_title: Option<String>,
    /// The company of a person, where the key's owner may see it.
    company_id: Option<Uuid>,
    /// Who looks after it.
    owner_id: Option<Uuid>,
    /// The team it belongs to.
    team_id: Option<Uuid>,
    #[schema(example = json!(["einkauf@nordlicht.example"]))]
    emails: Vec<String>,
    phones: Vec<String>,
    links: Vec<String>,
    street: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    region: Option<String>,
    country: Option<String>,
    tags: Vec<String>,
    /// Names in other systems.
    external_refs: Vec<Reference>,
    /// ISO 8601, in UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// ISO 8601, in UTC.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Whether it lies in the trash.
    deleted: bool,
}

/// A name in another system.
#[derive(Serialize, ToSchema)]
struct Reference {
    /// The other system.
    source: String,
    /// The customer's key there.
    key: String,
}

/// A customer as a line of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomerLine {
    id: Uuid,
    version: i64,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    #[schema(schema_with = stages)]
    stage: &'static str,
    name: String,
    /// The first e-mail address.
    email: Option<String>,
    /// The first phone number.
    phone: Option<String>,
    owner_id: Option<Uuid>,
    city: Option<String>,
    country: Option<String>,
    tags: Vec<String>,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A page of customers.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomerList {
    data: Vec<CustomerLine>,
    /// How many there are in all, as exactly as is cheap.
    total: Count,
    /// What `after` is to be for the next page; nothing on the last. The Link header holds the whole address.
    next: Option<String>,
    /// What `before` is to be for the page before.
    previous: Option<String>,
}

/// A number of rows.
#[derive(Serialize, ToSchema)]
struct Count {
    value: u64,
    /// `exactly`, `at_least` where counting stopped, or `about` from the statistics of the table.
    #[schema(example = "exactly")]
    precision: &'static str,
}

/// The fields of a customer that can be set. What is not sent stays; null clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::rest) struct CustomerInput {
    #[schema(schema_with = kinds)]
    kind: Option<String>,
    #[schema(schema_with = stages)]
    stage: Option<String>,
    /// Needed for a new one.
    #[schema(example = "Nordlicht Feinkost", nullable = false, min_length = 1)]
    name: Option<String>,
    job_title: Option<String>,
    company_id: Option<Uuid>,
    /// A new one belongs to the owner of the key unless said otherwise.
    owner_id: Option<Uuid>,
    #[schema(example = json!(["einkauf@nordlicht.example"]))]
    emails: Option<Vec<String>>,
    phones: Option<Vec<String>>,
    links: Option<Vec<String>>,
    street: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    region: Option<String>,
    country: Option<String>,
    tags: Option<Vec<String>>,
}

impl Input for CustomerInput {}

/// A new customer: the fields of one, of which it needs its name.
pub(super) struct NewCustomerInput;

impl PartialSchema for NewCustomerInput {
    fn schema() -> RefOr<Schema> {
        needing::<CustomerInput>(&["name"])
    }
}

impl ToSchema for NewCustomerInput {}

fn kinds() -> Object {
    words(CustomerKind::EVERY.iter().map(|kind| kind.word()))
}

fn stages() -> Object {
    words(Stage::EVERY.iter().map(|stage| stage.word()))
}

impl Versioned for CustomerBody {
    fn version(&self) -> i64 {
        self.version
    }
}

impl CustomerBody {
    pub(super) fn of(customer: Customer) -> Self {
        let contacts = |kind: ContactKind| customer.contacts(kind).map(|point| point.value.clone()).collect();
        let (emails, phones, links) = (
            contacts(ContactKind::Email),
            contacts(ContactKind::Phone),
            contacts(ContactKind::Link),
        );
        Self {
            id: customer.id.0,
            version: customer.version,
            kind: customer.kind.word(),
            stage: customer.stage.word(),
            company_id: customer.company.and_then(|company| match company {
                Related::Seen(id, _) => Some(id.0),
                Related::NoAccess => None,
            }),
            owner_id: customer.owner.map(|(id, _)| id.0),
            team_id: customer.team.map(|(id, _)| id.0),
            emails,
            phones,
            links,
            external_refs: customer
                .external_refs
                .into_iter()
                .map(|reference| Reference {
                    source: reference.source,
                    key: reference.key,
                })
                .collect(),
            created_at: iso(customer.created.at),
            updated_at: iso(customer.updated.at),
            deleted: customer.deleted,
            name: customer.name,
            job_title: customer.job_title,
            street: customer.street,
            postal_code: customer.postal_code,
            city: customer.city,
            region: customer.region,
            country: customer.country,
            tags: customer.tags,
        }
    }
}

impl CustomerLine {
    pub(super) fn of(row: CustomerRow) -> Self {
        Self {
            id: row.id.0,
            version: row.version,
            kind: row.kind.word(),
            stage: row.stage.word(),
            name: row.name,
            email: row.email,
            phone: row.phone,
            owner_id: row.owner.map(|(id, _)| id.0),
            city: row.city,
            country: row.country,
            tags: row.tags,
            updated_at: iso(row.updated.at),
        }
    }
}

impl CustomerList {
    pub(super) fn of(page: CustomerPage) -> Self {
        let (value, precision) = match page.total {
            Total::Exactly(count) => (count, "exactly"),
            Total::AtLeast(count) => (count, "at_least"),
            Total::About(count) => (count, "about"),
        };
        Self {
            data: page.rows.into_iter().map(CustomerLine::of).collect(),
            total: Count { value, precision },
            next: page.next,
            previous: page.previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_domain::customer::Field;

    #[test]
    fn every_field_of_a_customer_can_be_set_by_its_name() {
        let api = serde_json::to_value(crate::rest::description()).unwrap();
        for input in ["CustomerInput", "NewCustomerInput"] {
            let described = &api["components"]["schemas"][input]["properties"];
            let mut described: Vec<&str> = described
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let mut names: Vec<&str> = Field::EVERY.iter().map(|field| field.word()).collect();
            names.sort_unstable();
            described.sort_unstable();
            assert_eq!(described, names);
        }
    }
}
