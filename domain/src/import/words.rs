//! The words that other programs have for ours.

use crate::{
    customer::{CustomerKind, Stage},
    text,
};

const REFUSED: &str = "Please pick one of the list.";

/// A name without case, blanks and signs; umlauts as two letters.
pub(super) fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in text::composed(name)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
    {
        match c {
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'é' | 'è' | 'ê' => plain.push('e'),
            c => plain.push(c),
        }
    }
    plain
}

/// The stage that a word of another program means.
///
/// # Errors
/// A sentence, when it means none.
pub(super) fn stage(word: &str) -> Result<Stage, String> {
    if let Some(stage) = Stage::EVERY
        .iter()
        .find(|stage| stage.word().eq_ignore_ascii_case(word))
    {
        return Ok(*stage);
    }
    if word.len() > 60 {
        return Err(REFUSED.to_owned());
    }
    match plain(word).as_str() {
        "subscriber"
        | "marketingqualifiedlead"
        | "mql"
        | "new"
        | "neu"
        | "open"
        | "cold"
        | "coldlead"
        | "warmlead"
        | "hotlead"
        | "anfrage"
        | "erstkontakt" => Ok(Stage::Lead),
        "salesqualifiedlead" | "sql" | "opportunity" | "qualified" | "interessent" | "potential"
        | "potenzial" | "chance" | "angebot" => Ok(Stage::Prospect),
        "client" | "evangelist" | "active" | "activecustomer" | "won" | "kunde" | "kundin"
        | "bestandskunde" | "aktiv" => Ok(Stage::Customer),
        "lost" | "inactive" | "churned" | "formercustomer" | "excustomer" | "ehemalig" | "ehemaliger"
        | "ehemaligerkunde" | "exkunde" | "inaktiv" => Ok(Stage::Former),
        _ => Err(REFUSED.to_owned()),
    }
}

/// The kind that a word of another program means.
///
/// # Errors
/// A sentence, when it means none.
pub(super) fn kind(word: &str) -> Result<CustomerKind, String> {
    if let Some(kind) = CustomerKind::EVERY
        .iter()
        .find(|kind| kind.word().eq_ignore_ascii_case(word))
    {
        return Ok(*kind);
    }
    if word.len() > 60 {
        return Err(REFUSED.to_owned());
    }
    match plain(word).as_str() {
        "contact" | "individual" | "human" | "private" | "kontakt" | "privat" | "privatperson"
        | "privatkunde" => Ok(CustomerKind::Person),
        "organization" | "organisation" | "account" | "business" | "firma" | "unternehmen"
        | "geschaeftskunde" | "firmenkunde" => Ok(CustomerKind::Company),
        _ => Err(REFUSED.to_owned()),
    }
}

/// A label of another program: without the mark of the first one, the usual ones in lower case as ours are.
///
/// # Errors
/// A sentence, when it is no line of text.
pub(super) fn label(raw: &str) -> Result<String, String> {
    let label = text::line(raw.trim().trim_start_matches('*'))?;
    let lower = label.to_lowercase();
    let usual = [
        "work", "home", "mobile", "main", "other", "fax", "work fax", "home fax", "pager", "private",
        "privat",
    ];
    Ok(if usual.contains(&lower.as_str()) {
        lower
    } else {
        label
    })
}
