//! Commands in words, to follow the name of who gave them.

use std::collections::BTreeSet;

use rapport_domain::customer::Field;

use crate::journal::RecordKind;

/// What a command did; `fields` are the columns that it changed, by kind of record.
pub(super) fn words(
    command: &str,
    undone: Option<&str>,
    file: Option<&str>,
    fields: &BTreeSet<(String, String)>,
) -> String {
    if let Some(undone) = undone {
        let of = if undone == "undo" {
            "took back an undo:"
        } else {
            "took back:"
        };
        return format!("{of} {}", deed(undone, None, &BTreeSet::new()));
    }
    deed(command, file, fields)
}

fn deed(command: &str, file: Option<&str>, fields: &BTreeSet<(String, String)>) -> String {
    let said = match command {
        "create customer" => "created",
        "edit customer" => return format!("changed {} of", names(fields)),
        "delete customer" => "moved to the trash",
        "restore customer" => "took out of the trash",
        "write note" => "wrote a note about",
        "edit note" => "changed a note about",
        "remove note" => "removed a note about",
        "import customers" => return format!("imported {}:", file.unwrap_or("a file")),
        "save import mapping" => "kept a mapping for imports",
        "book appointment" => "booked an appointment with",
        "change appointment" => "changed an appointment with",
        "cancel appointment" => "cancelled an appointment with",
        "set appointment status" => "said how an appointment went with",
        "create appointment type" => "made a type of appointment",
        "change appointment type" => "changed a type of appointment",
        "change settings" => "changed the settings",
        "change profile" => "changed their own settings",
        "set up" => "set Rapport up",
        "create user" => "let somebody in",
        "create team" | "add team" => "made a team",
        "rename team" => "gave a team another name",
        "remove team" => "removed a team",
        "reset password" => "set a new password for somebody",
        "change password" => "set a new password for themselves",
        "change user" => "changed what somebody is here",
        "deactivate user" => "closed an account",
        "reactivate user" => "opened a closed account again",
        "turn on second factor" => "turned a second factor on for themselves",
        "turn off second factor" => "turned a second factor off",
        "make recovery codes" => "made new recovery codes",
        "use recovery code" => "used a recovery code",
        "end sessions" => "signed somebody out everywhere",
        "make reset link" => "made a link for a new password",
        "ask for reset link" => "was asked for a link for a new password",
        "open calendar feed" => "opened their calendar to other programs",
        "revoke calendar feed" => "closed their calendar to other programs",
        "rename tag" => "called a tag otherwise with",
        "remove tag" => "took a tag away from",
        "begin a new seal" => "began a new seal of the journal",
        "make key" => "made a key for a program",
        "make program" => "gave a program an account of its own",
        "close program" => "closed the account of a program",
        "edit customers" => "made or changed",
        "make webhook" => "set up a webhook",
        "change webhook" => "changed a webhook",
        "pause webhook" => "paused a webhook",
        "resume webhook" => "let a webhook go on",
        "remove webhook" => "removed a webhook",
        "change webhook secret" => "gave a webhook a new secret",
        "revoke key" => "revoked a key of a program",
        "invite user" => "asked somebody to join",
        "renew invitation" => "asked somebody again to join",
        "withdraw invitation" => "withdrew an invitation",
        "ask to join" => "was asked for a place",
        "join" => "joined",
        "use invitation" => "used an invitation",
        // A command of a newer program says its own name.
        other => other,
    };
    said.to_owned()
}

/// The names for people of changed fields: "city and stage".
fn names(fields: &BTreeSet<(String, String)>) -> String {
    let columns = fields
        .iter()
        .filter(|(kind, _)| kind == RecordKind::Customer.word());
    let mut names: Vec<String> = columns
        // The team comes with the owner.
        .filter(|(_, column)| column != "team_id")
        .filter_map(|(_, column)| column.parse::<Field>().ok())
        .map(|field| field.label().to_lowercase())
        .collect();
    if fields
        .iter()
        .any(|(kind, _)| kind == RecordKind::ContactPoint.word())
    {
        names.push("ways to reach".to_owned());
    }
    match names.split_last() {
        None => "something".to_owned(),
        Some((one, [])) => one.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(columns: &[&str]) -> BTreeSet<(String, String)> {
        let of_customer = |column: &&str| ("customer".to_owned(), (*column).to_owned());
        columns.iter().map(of_customer).collect()
    }

    #[test]
    fn a_command_is_told_by_what_it_changed() {
        let said = |columns: &[&str]| words("edit customer", None, None, &fields(columns));
        assert_eq!(said(&["city"]), "changed city of");
        assert_eq!(
            said(&["city", "stage", "team_id", "owner_id"]),
            "changed city, owner and stage of"
        );
        assert_eq!(said(&[]), "changed something of");
    }

    #[test]
    fn what_was_taken_back_is_told_by_what_it_had_done() {
        let nothing = BTreeSet::new();
        assert_eq!(
            words("undo", Some("create customer"), None, &nothing),
            "took back: created"
        );
        assert_eq!(
            words("import customers", None, Some("a.csv"), &nothing),
            "imported a.csv:"
        );
    }
}
