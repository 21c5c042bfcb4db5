//! Whole forms: a new customer, all fields of one. They work without script.

use kit::{
    api::{Answer, respond},
    door::{DoorForm, Form, use_form},
    find::use_finding,
    load::Loaded,
    missing::MissingRecord,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, bones, waiting},
        button::{Button, IconButton, LinkButton, Weight},
        combobox::Combobox,
        crumbs::Crumbs,
        dialog::Dialog,
        empty::ErrorState,
        field::{Choice, Field, TextArea},
        select::{Pick, Select},
    },
};
use leptos::{ev, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use rapport_domain::{
    customer::{Customer, CustomerKind, Field as CustomerField, Stage},
    error::AppError,
    form::Values,
    id::UserId,
};
use wasm_split_helpers::wasm_split;

use super::{
    api,
    edits::{held, owners_or_nobody},
    record::to_list,
};

/// With who owns it now, who may be nobody to choose any more: a program, or somebody whose account is closed.
fn with_standing(mut owners: Vec<Pick>, customer: &Customer) -> Vec<Pick> {
    let standing = held(customer, CustomerField::Owner);
    if !owners.iter().any(|(id, _)| *id == standing.0) {
        owners.push(standing);
    }
    owners
}

/// The same for a new customer, which not everybody may leave to nobody.
fn new_owner_options(owners: Answer<Vec<(Option<UserId>, String)>>) -> Vec<Pick> {
    owners
        .unwrap_or_default()
        .into_iter()
        .map(|(id, name)| (id.map(|id| id.to_string()).unwrap_or_default(), name))
        .collect()
}

/// The page of a new customer.
#[component]
pub fn NewPage() -> impl IntoView {
    later(crate::FORMS, part::page, draw_new)
}

/// The page of all fields of a customer.
#[component]
pub fn EditPage() -> impl IntoView {
    later(crate::FORMS, part::page, draw_all)
}

/// Draws the page of a new customer.
#[wasm_split(forms, fallible, preload(
    /// Loads its program.
    load_new
))]
pub fn draw_new() -> Drawn {
    Ok(view! { <New/> }.into_any())
}

/// Draws the page of all fields of a customer.
#[wasm_split(forms, fallible, preload(
    /// Loads its program.
    load_all
))]
pub fn draw_all() -> Drawn {
    Ok(view! { <All/> }.into_any())
}

/// A new customer; of a company, where the address names one.
#[component]
fn New() -> impl IntoView {
    let company = use_query_map()
        .read_untracked()
        .get("company")
        .unwrap_or_default();
    view! {
        <Title text="New customer"/>
        <main class="main grow">
            <div class="bar">
                <Crumbs above=vec![to_list()] here="New customer"/>
            </div>
            <div class="scroll">
                <div class="page">
                    <NewForm company/>
                </div>
            </div>
        </main>
    }
    .into_any()
}

/// The same form over the page that it was asked for on.
#[component]
pub fn NewDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <Dialog open label="New customer" class="dialog sheet" keeps=true>
            <div class="bar">
                <h2 class="title grow">"New customer"</h2>
                <IconButton name="Close" icon=icondata::LuX on:click=move |_| open.set(false)/>
            </div>
            <div class="scroll">{later(crate::FORMS, |content| content, move || draw_in_dialog(open))}</div>
        </Dialog>
    }
    .into_any()
}

/// Draws the form inside the dialog.
#[wasm_split(forms, fallible, preload(
    /// Loads its program.
    load_in_dialog
))]
pub fn draw_in_dialog(open: RwSignal<bool>) -> Drawn {
    Ok(view! { <NewForm on_cancel=Callback::new(move |()| open.set(false))/> }.into_any())
}

/// The form of a new customer, once it is known who may own one.
#[component]
fn NewForm(
    /// The company of the new person, if it has one.
    #[prop(optional)]
    company: String,
    /// What Cancel does instead of leading to the list.
    #[prop(optional, into)]
    on_cancel: Option<Callback<()>>,
) -> impl IntoView {
    let me = use_context::<kit::layout::MeResource>();
    let owners = Loaded::new(|| (), |()| api::new_owner_options());
    let company = Loaded::new(
        move || company.clone(),
        |id| async move {
            if id.is_empty() {
                Ok(None)
            } else {
                api::get_customer(id).await.map(Some)
            }
        },
    );
    let form = move || async move {
        let (owners, company, me) = awaited(async move {
            let me = match me {
                Some(me) => me.await.ok(),
                None => None,
            };
            (owners.await, company.await.ok().flatten(), me)
        })
        .await;
        let owners = new_owner_options(owners);
        if me.as_ref().is_some_and(|me| !me.may_create) {
            return view! { <ErrorState fault=respond(AppError::Forbidden) again="/customers"/> }.into_any();
        }
        let values = new_values(company.as_ref(), me.map(|me| me.id));
        let words = company.map(|company| company.name).unwrap_or_default();
        view! {
            <DoorForm form=Form::NewCustomer mint=true values class="form">
                <Choice name="kind" label="Kind" options=vec![("person", "Person"), ("company", "Company")]/>
                <Inputs owners company=words autofocus=true/>
                <Send words="Create customer" cancel="/customers" on_cancel/>
            </DoorForm>
        }
        .into_any()
    };
    waiting(bones::<8>, form)
}

/// What the form of a new customer starts with: the company's address is most often the person's too.
fn new_values(company: Option<&Customer>, me: Option<UserId>) -> Values {
    let owner = me.map(|me| me.to_string()).unwrap_or_default();
    let mut values = Values::default()
        .with("kind", "person")
        .with("stage", "lead")
        .with("owner_id", owner);
    if let Some(company) = company {
        values.set("company_id", company.id.to_string());
        for field in [
            CustomerField::Street,
            CustomerField::PostalCode,
            CustomerField::City,
            CustomerField::Region,
            CustomerField::Country,
        ] {
            values.set(field.word(), company.raw(field));
        }
    }
    values
}

/// All fields of a customer in one form.
#[component]
fn All() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    // Not loaded again when something else is written: what is typed here would be lost.
    let customer = Loaded::new(move || id.get(), api::get_customer);
    let owners = Loaded::new(|| (), |()| api::owner_options());
    let form = move || async move {
        let (owners, customer) = awaited(async move { (owners.await, customer.await) }).await;
        let owners = owners_or_nobody(owners);
        match customer {
            Ok(customer) if customer.may.update => view! { <EditForm customer owners/> }.into_any(),
            refused => {
                let fault = refused.err().unwrap_or_else(|| respond(AppError::Forbidden));
                let again = format!("/customers/{}/edit", id.get_untracked());
                view! { <MissingRecord fault again above=to_list() what="Customer"/> }.into_any()
            }
        }
    };
    view! {
        <main class="main grow">
            {waiting(bones::<12>, form)}
        </main>
    }
    .into_any()
}

#[component]
fn EditForm(customer: Customer, owners: Vec<Pick>) -> impl IntoView {
    let page = format!("/customers/{}", customer.id);
    // The owner and a company out of sight are sent only by those who may change them.
    let sent = CustomerField::EVERY
        .iter()
        .filter(|field| customer.may.assign || **field != CustomerField::Owner);
    let values: Values = sent.map(|&field| (field.word(), customer.raw(field))).collect();
    let company = held(&customer, CustomerField::Company).1;
    let owners = if customer.may.assign {
        with_standing(owners, &customer)
    } else {
        Vec::new()
    };
    view! {
        <Title text=format!("Edit {}", customer.name)/>
        <div class="bar">
            <Crumbs above=vec![to_list(), (page.clone(), customer.name.clone())] here="Edit"/>
        </div>
        <div class="scroll">
            <div class="page">
                <DoorForm form=Form::EditCustomer(customer.id) values seen=customer.version class="form">
                    <Choice name="kind" label="Kind" options=vec![("person", "Person"), ("company", "Company")]/>
                    <Inputs owners company/>
                    <Send words="Save changes" cancel=page/>
                </DoorForm>
            </div>
        </div>
    }
    .into_any()
}

/// The fields that both forms share.
#[component]
fn Inputs(owners: Vec<Pick>, company: String, #[prop(optional)] autofocus: bool) -> impl IntoView {
    let stages = Stage::EVERY
        .iter()
        .map(|stage| (stage.word().to_owned(), stage.label().to_owned()))
        .collect();
    let owner =
        (!owners.is_empty()).then(|| view! { <Select name="owner_id" label="Owner" options=owners/> });
    view! {
        <Field name="name" label="Name" required=true autofocus/>
        <div class="pair">
            <Select name="stage" label="Stage" options=stages/>
            {owner}
        </div>
        <div class="pair">
            <Combobox
                name="company_id"
                label="Company"
                words=company
                finding=use_finding(Some(CustomerKind::Company))
                hint="For a person: where they work."
            />
            <Field name="job_title" label="Job title"/>
        </div>
        <div class="pair">
            <TextArea name="emails" label="E-mail" hint="One a line."/>
            <TextArea name="phones" label="Phone" hint="One a line."/>
        </div>
        <TextArea name="links" label="Links" hint="One a line, with https://."/>
        <Field name="street" label="Street"/>
        <div class="pair">
            <Field name="postal_code" label="Postal code"/>
            <Field name="city" label="City"/>
        </div>
        <div class="pair">
            <Field name="region" label="Region"/>
            <Field name="country" label="Country"/>
        </div>
        <Field name="tags" label="Tags" hint="Separated by commas."/>
    }
    .into_any()
}

#[component]
fn Send(
    words: &'static str,
    #[prop(into)] cancel: String,
    #[prop(optional_no_strip)] on_cancel: Option<Callback<()>>,
) -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    let leave = move |event: ev::MouseEvent| {
        if let Some(on_cancel) = on_cancel {
            event.prevent_default();
            on_cancel.run(());
        }
    };
    view! {
        <div class="acts">
            <Button kind="submit" weight=Weight::Main tall=true busy>
                {words}
            </Button>
            <LinkButton href=cancel weight=Weight::Quiet on:click=leave>"Cancel"</LinkButton>
        </div>
    }
    .into_any()
}
