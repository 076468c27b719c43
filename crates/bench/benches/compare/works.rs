//! The requests to the servers, and the expected responses.

use super::data::{Random, User, list};
use super::load::{Check, Exchange};

/// How many different requests of a kind there are at most.
const MOST: usize = 20_000;

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    ById,
    ByEmail,
    SortedPage,
    WholeList,
    FullText,
    Like,
    Post,
}

impl Work {
    pub fn title(self) -> &'static str {
        match self {
            Work::ById => "GET by id",
            Work::ByEmail => "GET ?email=",
            Work::SortedPage => "GET sorted page",
            Work::WholeList => "GET whole list",
            Work::FullText => "GET ?q=",
            Work::Like => "GET ?lastName_like=",
            Work::Post => "POST, saved, unique e-mail",
        }
    }

    /// The work named so on the command line.
    pub fn named(name: &str) -> Option<Work> {
        Some(match name {
            "id" => Work::ById,
            "email" => Work::ByEmail,
            "page" => Work::SortedPage,
            "list" => Work::WholeList,
            "q" => Work::FullText,
            "like" => Work::Like,
            "post" => Work::Post,
            _ => return None,
        })
    }

    /// The requests of this kind for `count` users. Without `exactly`, a response that contains the right record is
    /// accepted, because other servers format it differently.
    pub fn exchanges(self, count: usize, exactly: bool) -> Vec<Exchange> {
        let mut random = Random(88_172_645_463_325_252);
        let many = count.min(MOST);
        match self {
            Work::ById => (0..many)
                .map(|_| {
                    let user = User(1 + random.below(count));
                    let mut body = String::new();
                    user.write(&mut body, "");
                    get(&format!("/users/{}", user.0), body, user, exactly)
                })
                .collect(),
            Work::ByEmail => (0..many)
                .map(|_| {
                    let user = User(1 + random.below(count));
                    get(
                        &format!("/users?email={}", user.email()),
                        list(std::iter::once(user), ""),
                        user,
                        exactly,
                    )
                })
                .collect(),
            Work::SortedPage => {
                let mut order: Vec<usize> = (1..=count).collect();
                order.sort_by_cached_key(|id| (User(*id).last(), *id));
                (0..many.min(4000))
                    .map(|_| {
                        let page = random.below(count.div_ceil(10));
                        let users = order.iter().skip(page * 10).take(10).map(|id| User(*id));
                        let path = format!("/users?_sort=lastName&_page={}&_limit=10", page + 1);
                        get(&path, list(users, ""), User(order[page * 10]), exactly)
                    })
                    .collect()
            }
            Work::WholeList => vec![get(
                "/users",
                list((1..=count).map(User), ""),
                User(count),
                exactly,
            )],
            Work::FullText => (0..20)
                .map(|_| {
                    let text = User(1 + random.below(count)).last().to_lowercase();
                    let holds = |word: String| word.to_lowercase().contains(&text);
                    let users = (1..=count).map(User);
                    let found: Vec<User> = users
                        .filter(|user| {
                            holds(user.last()) || holds(user.first()) || holds(user.email())
                        })
                        .collect();
                    get(
                        &format!("/users?q={text}"),
                        list(found.iter().copied(), ""),
                        found[0],
                        exactly,
                    )
                })
                .collect(),
            Work::Like => (0..20)
                .map(|_| {
                    let text = User(1 + random.below(count)).last()[..4].to_string();
                    let found: Vec<User> = (1..=count)
                        .map(User)
                        .filter(|user| user.last().starts_with(&text))
                        .collect();
                    let path = format!("/users?lastName_like=%5E{text}");
                    get(&path, list(found.iter().copied(), ""), found[0], exactly)
                })
                .collect(),
            Work::Post => posts(0, 1),
        }
    }
}

/// `count` requests that create users, whose addresses no other `round` has.
pub fn posts(round: usize, count: usize) -> Vec<Exchange> {
    (0..count)
        .map(|number| {
            let email = format!("new.{round}.{number}@example.org");
            let user = User(number);
            let body = format!(
                "{{\"lastName\":\"{}\",\"firstName\":\"{}\",\"email\":\"{email}\"}}",
                user.last(),
                user.first()
            );
            let request = format!(
                "POST /users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            Exchange { request: request.into_bytes(), status: 201, body: Check::Holds(email.into_bytes()) }
        })
        .collect()
}

fn get(path: &str, body: String, user: User, exactly: bool) -> Exchange {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    let body = if exactly {
        Check::Exactly(body.into_bytes())
    } else {
        Check::Holds(user.email().into_bytes())
    };
    Exchange {
        request,
        status: 200,
        body,
    }
}
