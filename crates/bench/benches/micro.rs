//! Micro-benchmarks of single parts: `cargo bench -p standin-bench --bench micro`.

#[path = "compare/data.rs"]
#[allow(dead_code)] // The comparison uses more of it.
mod data;

use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use standin::internals::json::{Document, Id, Layout, Object, merge_patch, merge_shallow};
use standin::internals::query::{Fields, Query, pairs};
use standin::internals::store::{Collection, Command, Operation, Settings, Store, write_list};
use standin::internals::work::Work;

const SIZES: [usize; 2] = [1000, 100_000];

fn main() {
    divan::main();
}

fn store(count: usize) -> Store {
    let document = Document::parse(data::file(count).into()).expect("the made-up data is JSON");
    Store::open(document, Arc::new(Settings::default())).expect("the made-up data keeps the rules")
}

fn users(store: &Store) -> &Collection {
    store
        .resource("users")
        .and_then(|users| users.collection())
        .expect("the made-up data has users")
}

#[divan::bench(args = SIZES)]
fn load(bencher: Bencher, count: usize) {
    let text = data::file(count);
    bencher
        .counter(BytesCount::of_str(&text))
        .with_inputs(|| text.clone())
        .bench_values(|text| {
            let document = Document::parse(text.into()).expect("the made-up data is JSON");
            Store::open(document, Arc::new(Settings::default()))
        });
}

#[divan::bench(args = SIZES)]
fn lookup(bencher: Bencher, count: usize) {
    let store = store(count);
    let mut random = data::Random(1);
    bencher.bench_local(|| {
        let id = Id::from_text(&random.below(count).to_string());
        users(&store).get(&id).map(|record| record.value().len())
    });
}

fn query(bencher: Bencher, count: usize, text: &str) {
    let store = store(count);
    let pairs = pairs(text).expect("the queries are well formed");
    bencher.bench_local(|| {
        let query = Query::parse(&pairs, &Fields::new(Some(users(&store)), &[]))
            .expect("the queries mean something");
        query
            .select(users(&store).rows(), |row| row.value(), &Work::unlimited())
            .rows
            .len()
    });
}

#[divan::bench(args = SIZES)]
fn filter(bencher: Bencher, count: usize) {
    query(bencher, count, "lastName=Bakolu");
}

#[divan::bench(args = SIZES)]
fn search(bencher: Bencher, count: usize) {
    query(bencher, count, "q=bakolu");
}

#[divan::bench(args = SIZES)]
fn sort_page(bencher: Bencher, count: usize) {
    query(bencher, count, "_sort=lastName&_page=3&_limit=10");
}

#[divan::bench]
fn print_record(bencher: Bencher) {
    let mut text = String::new();
    data::User(7).write(&mut text, "    ");
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut out = Vec::with_capacity(256);
        Layout::PRETTY.write(&mut out, black_box(&text), "");
        out
    });
}

#[divan::bench(args = SIZES)]
fn print_list(bencher: Bencher, count: usize) {
    let store = store(count);
    bencher.bench(|| {
        let mut out = Vec::new();
        write_list(&mut out, users(&store).rows().map(|row| row.value()), "");
        out
    });
}

#[divan::bench(args = SIZES)]
fn save_text(bencher: Bencher, count: usize) {
    let mut store = store(count);
    create(&mut store);
    bencher.bench(|| store.file_text());
}

#[divan::bench(args = SIZES)]
fn create_record(bencher: Bencher, count: usize) {
    let store = store(count);
    bencher
        .with_inputs(|| store.clone())
        .bench_values(|mut store| create(&mut store));
}

fn create(store: &mut Store) {
    let body = Object::parse(r#"{"lastName":"New","firstName":"Some","email":"new@example.org"}"#);
    let command = Command {
        resource: "users".into(),
        id: None,
        operation: Operation::Create,
        body: body.expect("it is an object"),
    };
    let draft = store
        .draft(&command, &mut String::new)
        .expect("nothing stands against it");
    let change = store.plan(draft).expect("nothing stands against it");
    store.apply(change);
}

#[divan::bench]
fn merge_one_field(bencher: Bencher) {
    let mut text = String::new();
    data::User(7).write(&mut text, "    ");
    bencher.bench(|| {
        merge_shallow(
            black_box(&text),
            r#"{"email":"new@example.org"}"#,
            Layout::PRETTY,
            "    ",
        )
    });
}

#[divan::bench]
fn merge_patch_one_field(bencher: Bencher) {
    let mut text = String::new();
    data::User(7).write(&mut text, "    ");
    bencher.bench(|| {
        merge_patch(
            black_box(&text),
            r#"{"email":"new@example.org"}"#,
            Layout::PRETTY,
            "    ",
        )
    });
}
