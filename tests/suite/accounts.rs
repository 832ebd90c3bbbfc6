//! Users and roles: carried when they are asked for, taken over by Plimsoll and by stock tools, and never shown.

use std::process::{Command, Output};

use bson::{Document, doc};
use mongodb::Client;
use plimsoll::lab::server::MongoServer;
use plimsoll::mongo::client;

use super::peers::peers;
use super::servers::private_mongo;

async fn connected(server: &MongoServer) -> Client {
    client::connect(&server.uri).await.expect("connects")
}

async fn run(client: &Client, db: &str, command: Document) -> Document {
    let what = command.to_string();
    client.database(db).run_command(command).await.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// A user whose role is one of the database's own.
async fn fill(client: &Client) {
    client.database("shop").collection::<Document>("things").insert_one(doc! { "_id": 1 }).await.expect("inserts");
    let privilege = doc! { "resource": { "db": "shop", "collection": "things" }, "actions": ["find"] };
    run(client, "shop", doc! { "createRole": "looker", "privileges": [privilege], "roles": [] }).await;
    run(client, "shop", doc! { "createUser": "anna", "pwd": "geheim", "roles": ["looker"] }).await;
    run(client, "admin", doc! { "createUser": "boss", "pwd": "geheimer", "roles": ["root"] }).await;
}

/// All that the server keeps of its users and roles, hashes included.
async fn accounts(client: &Client) -> (Document, Document) {
    let ask = doc! { "usersInfo": { "forAllDBs": true }, "showCredentials": true };
    let users = run(client, "admin", ask).await;
    let roles = run(client, "shop", doc! { "rolesInfo": 1, "showPrivileges": true }).await;
    (doc! { "users": users.get_array("users").unwrap() }, doc! { "roles": roles.get_array("roles").unwrap() })
}

fn plimsoll(repository: &std::path::Path, uri: &str, target: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(arguments).env("PLIMSOLL_REPO", repository);
    command.env("PLIMSOLL_URI", uri).env("PLIMSOLL_TARGET_URI", target);
    command.output().expect("plimsoll runs")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_roles_come_back_on_request_and_no_hash_is_shown() {
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let (from, to) = (connected(&from_server).await, connected(&to_server).await);
    fill(&from).await;
    run(&to, "shop", doc! { "createUser": "stays", "pwd": "x", "roles": [] }).await;
    let (expected_users, expected_roles) = accounts(&from).await;
    let repository = tempfile::tempdir().expect("a folder");
    let run_it = |arguments: &[&str]| plimsoll(repository.path(), &from_server.uri, &to_server.uri, arguments);

    let saved = run_it(&["backup", "--asset", "shop", "--db", "shop", "--users-and-roles", "--format", "json"]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));
    let planned = run_it(&["restore", "--asset", "shop"]);
    assert!(text(&planned).contains("2 users and 1 roles: left out"), "{}", text(&planned));
    let without = run_it(&["restore", "--asset", "shop", "--apply"]);
    assert_eq!(without.status.code(), Some(0), "{}", text(&without));
    assert_eq!(accounts(&to).await.0.get_array("users").unwrap().len(), 1, "not asked for");

    let with = run_it(&["restore", "--asset", "shop", "--apply", "--replace", "--users-and-roles"]);
    assert_eq!(with.status.code(), Some(0), "{}", text(&with));
    let (users, roles) = accounts(&to).await;
    let users = users.get_array("users").unwrap();
    for user in expected_users.get_array("users").unwrap() {
        assert!(users.contains(user), "a user is not as it was");
    }
    assert_eq!(users.len(), 3, "the one who was there before stays");
    assert_eq!(roles, expected_roles);
    let left = to.database("admin").list_collection_names().await.expect("lists");
    assert!(!left.iter().any(|name| name.starts_with("temp")), "{left:?}");
    let hash = expected_users.to_string();
    let hash = hash.split("storedKey").nth(1).and_then(|rest| rest.split('"').nth(2)).expect("a hash");
    for output in [&saved, &planned, &without, &with] {
        assert!(!text(output).contains(hash) && !text(output).contains("geheim"), "{}", text(output));
    }

    run_it(&["backup", "--asset", "plain", "--db", "shop"]);
    let none = run_it(&["restore", "--asset", "plain", "--apply", "--replace", "--users-and-roles"]);
    assert_eq!(none.status.code(), Some(1), "{}", text(&none));
    assert!(text(&none).contains("holds no users"), "{}", text(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_mongorestore_takes_over_users_and_roles_too() {
    let Some(peers) = peers("stock_mongorestore_takes_over_users_and_roles_too") else { return };
    let (from_server, to_server) = tokio::join!(private_mongo(), private_mongo());
    let (from, to) = (connected(&from_server).await, connected(&to_server).await);
    fill(&from).await;
    let repository = tempfile::tempdir().expect("a folder");
    let saved = plimsoll(repository.path(), &from_server.uri, "", &["backup", "--asset", "shop", "--users-and-roles"]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved));
    let snapshot = std::fs::read_dir(repository.path().join("snapshots/shop")).expect("snapshots").next();
    let dump = snapshot.expect("one").expect("one").path().join("dump");
    peers.mongorestore(&to_server.uri, &["--gzip", &dump.to_string_lossy()]);
    assert_eq!(accounts(&to).await, accounts(&from).await);
}
