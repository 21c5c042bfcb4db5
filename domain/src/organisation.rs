//! What the installation is set to, and what each person sets for themselves.

use serde::{Deserialize, Serialize};

use crate::{
    appointment::{clock, parse_clock},
    error::FieldErrors,
    form::Values,
    text,
    timeline::Moment,
    user::{
        people::{SignUp, parse_domains},
        security::FactorRule,
    },
};

/// The days of the week, as the fields of a form name them.
pub const WEEKDAYS: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];

/// When the organisation is open: for each day from Monday on, the minutes from which and up to which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hours(pub [Option<(u16, u16)>; 7]);

impl Default for Hours {
    fn default() -> Self {
        let open = Some((9 * 60, 17 * 60));
        Self([open, open, open, open, open, None, None])
    }
}

impl Hours {
    /// The hours of a day: 0 is Monday.
    #[must_use]
    pub fn on(&self, weekday: u8) -> Option<(u16, u16)> {
        self.0.get(usize::from(weekday)).copied().flatten()
    }

    /// As the fields of a form: `mon.from`, `mon.to` ..., empty where it is closed.
    #[must_use]
    pub fn values(&self) -> Values {
        let days = WEEKDAYS.iter().zip(&self.0).flat_map(|((day, _), open)| {
            let said = |end: Option<u16>| end.map(clock).unwrap_or_default();
            [
                (format!("{day}.from"), said(open.map(|(from, _)| from))),
                (format!("{day}.to"), said(open.map(|(_, to)| to))),
            ]
        });
        days.collect()
    }
}

/// The days of which a field is named, each with its hours, read whole.
fn parse_days(values: &Values, changed: &Values, errors: &mut FieldErrors) -> Vec<(u8, Option<(u16, u16)>)> {
    let mut days = Vec::new();
    for ((day, _), number) in WEEKDAYS.iter().zip(0_u8..) {
        let (first, last) = (format!("{day}.from"), format!("{day}.to"));
        if !changed.has(&first) && !changed.has(&last) {
            continue;
        }
        let (from, to) = (values.get(&first).trim(), values.get(&last).trim());
        if from.is_empty() && to.is_empty() {
            days.push((number, None));
            continue;
        }
        let from = errors.take(&first, parse_clock(from));
        // Midnight as an end is the end of the day.
        let to = match to {
            "24:00" | "00:00" => Some(24 * 60),
            to => errors.take(&last, parse_clock(to)),
        };
        if let (Some(from), Some(to)) = (from, to) {
            if to <= from {
                errors.add(&last, "It would close before it opens.");
            }
            days.push((number, Some((from, to))));
        }
    }
    days
}

/// What the installation is set to, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its version.
    pub version: i64,
    /// The organisation's name.
    pub name: String,
    /// The zone of who has set none of their own.
    pub zone: String,
    /// Its currency, by ISO 4217.
    pub currency: String,
    /// The first day of the week: 1 is Monday, 7 is Sunday.
    pub week_start: u8,
    /// When it is open.
    pub hours: Hours,
    /// Who may join.
    pub sign_up: SignUp,
    /// The domains whose addresses may, where they may.
    pub sign_up_domains: Vec<String>,
    /// Whether everybody has to have a second factor.
    pub second_factor: FactorRule,
    /// The zones to choose from.
    pub zones: Vec<String>,
}

/// What is to change about the settings: what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganisationPatch {
    /// The organisation's name.
    pub name: Option<String>,
    /// The zone; whether there is one of that name the service says.
    pub zone: Option<String>,
    /// The currency.
    pub currency: Option<String>,
    /// The first day of the week.
    pub week_start: Option<u8>,
    /// The days whose hours change: 0 is Monday.
    pub days: Vec<(u8, Option<(u16, u16)>)>,
    /// Who may join.
    pub sign_up: Option<SignUp>,
    /// The domains whose addresses may.
    pub sign_up_domains: Option<Vec<String>>,
    /// Whether everybody has to have a second factor.
    pub second_factor: Option<FactorRule>,
}

impl OrganisationPatch {
    /// Checks those of `name`, `zone`, `currency`, `week_start`, `sign_up`, `sign_up_domains`, `second_factor` and the hours (see
    /// [`Hours::values`]) that are named in `changed`. A day is said by two fields: where one of them changed, both are read, from `values`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(values: &Values, changed: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut patch = Self::default();
        if changed.has("name") {
            let name = text::required_line(changed.get("name"), "Please name your organisation.");
            patch.name = errors.take("name", name);
        }
        if changed.has("zone") {
            let zone = text::required_line(changed.get("zone"), "Please choose a time zone.");
            patch.zone = errors.take("zone", zone);
        }
        if changed.has("currency") {
            patch.currency = errors.take("currency", parse_currency(changed.get("currency")));
        }
        if changed.has("week_start") {
            let day = changed.get("week_start").parse().ok();
            let day = day.filter(|day| (1..=7).contains(day));
            patch.week_start = errors.take("week_start", day.ok_or("Please choose a day."));
        }
        if changed.has("sign_up") {
            patch.sign_up = errors.take("sign_up", changed.get("sign_up").parse());
        }
        if changed.has("sign_up_domains") {
            patch.sign_up_domains =
                errors.take("sign_up_domains", parse_domains(changed.get("sign_up_domains")));
        }
        if changed.has("second_factor") {
            patch.second_factor = errors.take("second_factor", changed.get("second_factor").parse());
        }
        let opens = values.get("sign_up") == SignUp::Domains.word();
        if opens && values.get("sign_up_domains").trim().is_empty() {
            errors.add(
                "sign_up_domains",
                "Please list at least one domain, or choose somebody else who may join.",
            );
        }
        patch.days = parse_days(values, changed, &mut errors);
        if errors.is_empty() { Ok(patch) } else { Err(errors) }
    }
}

fn parse_currency(raw: &str) -> Result<String, &'static str> {
    let code = raw.trim().to_ascii_uppercase();
    let fits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    fits.then_some(code)
        .ok_or("Please give the three letters of a currency, such as EUR.")
}

/// What somebody has set for themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The version of their account.
    pub version: i64,
    /// Their name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// Their own zone; none for the organisation's.
    pub zone: Option<String>,
    /// The organisation's zone.
    pub default_zone: String,
    /// The zones to choose from.
    pub zones: Vec<String>,
    /// Since when their calendar is open to other programs, if it is.
    pub feed_since: Option<Moment>,
    /// The link to it, for the one who made it a moment ago.
    pub feed_link: Option<String>,
}

/// What somebody changes about themselves: what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfilePatch {
    /// Their name.
    pub name: Option<String>,
    /// Their zone; inside, none for the organisation's.
    pub zone: Option<Option<String>>,
}

impl ProfilePatch {
    /// Checks those of `name` and `zone` that are named.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn parse(changed: &Values) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut patch = Self::default();
        if changed.has("name") {
            let name = text::required_line(changed.get("name"), "Please give your name.");
            patch.name = errors.take("name", name);
        }
        if changed.has("zone") {
            let zone = errors.take("zone", text::line(changed.get("zone")));
            patch.zone = zone.map(text::non_empty);
        }
        if errors.is_empty() { Ok(patch) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Values {
        let mut values = Hours::default().values();
        for (field, value) in [
            ("name", "Acme"),
            ("zone", "Europe/Berlin"),
            ("currency", "eur"),
            ("week_start", "1"),
        ] {
            values.set(field, value);
        }
        values
    }

    #[test]
    fn the_form_reads_back_the_hours_that_it_was_given() {
        let patch = OrganisationPatch::parse(&good(), &good()).unwrap();
        let days: Vec<_> = (0..7).map(|day| (day, Hours::default().on(day))).collect();
        assert_eq!((patch.days, patch.currency.as_deref()), (days, Some("EUR")));
    }

    #[test]
    fn every_wrong_field_gets_its_sentence() {
        for (field, raw, at, sentence) in [
            ("name", " ", "name", "Please name your organisation."),
            (
                "currency",
                "euro",
                "currency",
                "Please give the three letters of a currency, such as EUR.",
            ),
            ("week_start", "8", "week_start", "Please choose a day."),
            ("mon.to", "08:00", "mon.to", "It would close before it opens."),
            ("tue.from", "", "tue.from", "Please give a time such as 09:30."),
            ("wed.to", "25:00", "wed.to", "Please give a time such as 09:30."),
        ] {
            let values = good().with(field, raw);
            let errors = OrganisationPatch::parse(&values, &values).unwrap_err();
            assert_eq!(errors.get(at), Some(sentence), "{field} {raw:?}");
        }
    }

    #[test]
    fn a_day_can_be_open_until_midnight() {
        let values = good().with("mon.to", "24:00");
        let changed = Values::default().with("mon.to", "24:00");
        let patch = OrganisationPatch::parse(&values, &changed).unwrap();
        assert_eq!(patch.days, [(0, Some((540, 1440)))]);
        assert_eq!((patch.name, patch.currency), (None, None));
    }
}
