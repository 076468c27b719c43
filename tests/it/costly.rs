//! Costly requests do not block others, and have a deadline.

use std::time::Duration;

use standin::Options;

use crate::support::*;

/// Enough records that a query with many conditions takes long; and a single small one.
fn data(records: usize) -> String {
    let rows: Vec<String> = (1..=records)
        .map(|id| format!("{{\"id\": {id}, \"n\": {}, \"text\": \"abc\"}}", id % 7))
        .collect();
    format!(
        "{{\"rows\": [{}], \"small\": [{{\"id\": 1}}]}}",
        rows.join(",\n")
    )
}

fn serve_rows(records: usize, adjust: impl FnOnce(&mut Options)) -> Fixture {
    Fixture::new(&data(records), None, |options| {
        options.http.target_limit = 32 * 1024;
        adjust(options);
    })
}

/// A query that reads every record many times, and matches all.
fn costly(conditions: usize) -> String {
    let all: Vec<String> = (0..conditions)
        .map(|number| format!("{{\"n\":{{\"lt\":1{number}}}}}"))
        .collect();
    format!("/rows?_where={{\"and\":[{}]}}&_limit=1", all.join(","))
}

fn ask(client: &mut Client, path: &str) {
    client.write(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}

#[test]
fn a_query_filters_by_64_fields_at_most() {
    let fixture = serve_rows(2, |_| {});
    let ne = |count: usize| {
        (0..count)
            .map(|n| format!("f{n}_ne=1&"))
            .collect::<String>()
    };
    let members = |count: usize| {
        (0..count)
            .map(|n| format!("\"f{n}\":1"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let names = |count: usize| {
        (0..count)
            .map(|n| format!("f{n}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    for count in [64, 65] {
        let status = if count == 64 { 200 } else { 400 };
        for path in [
            format!("/rows?{}", ne(count)),
            format!("/rows?_where={{{}}}", members(count)),
            format!("/rows?_where={{\"or\":[{{{}}}]}}", members(count)),
            format!("/rows?_sort={}", names(count)),
        ] {
            let reply = fixture.get(&path);
            assert_eq!(reply.status, status, "{path}: {}", reply.text());
            if status == 400 {
                let problem = reply.problem(400, "bad-query");
                let text = problem.to_string();
                assert!(text.contains("more than 64 fields") && text.contains("--query-fields"));
            }
        }
    }
    // Several values of one field count once, and so do several operators.
    let ids: String = (0..500).map(|id| format!("id={id}&")).collect();
    fixture
        .get(&format!("/rows?{ids}n_gte=0&n_lt=9"))
        .status_is(200);
    let fixture = serve_rows(2, |options| options.http.query_fields = 2);
    fixture.get("/rows?id=1&n=1&text=abc").status_is(400);
    fixture.get("/rows?id=1&n=1").status_is(200);
}

#[test]
fn a_query_has_50_patterns_at_most() {
    let fixture = serve_rows(2, |_| {});
    let likes = |count: usize| {
        (0..count)
            .map(|n| format!("text_like=a{n}&"))
            .collect::<String>()
    };
    let either = |count: usize| {
        let all: Vec<_> = (0..count)
            .map(|n| format!("{{\"text\":{{\"like\":\"a{n}\"}}}}"))
            .collect();
        format!("_where={{\"or\":[{}]}}", all.join(","))
    };
    for path in ["/rows?", "/-/facets/rows?"] {
        for query in [&likes as &dyn Fn(usize) -> String, &either] {
            fixture.get(&format!("{path}{}", query(50))).status_is(200);
            let problem = fixture.get(&format!("{path}{}", query(51)));
            let problem = problem.problem(400, "bad-query");
            has(problem["detail"].as_str().unwrap(), "more than 50 patterns");
            has(problem["hint"].as_str().unwrap(), "alternatives");
        }
    }
    // All conditions of the query together.
    let both = format!("/rows?{}&{}", either(30), either(30));
    fixture.get(&both).problem(400, "bad-query");
}

/// Compiling and matching patterns counts as work, too: it runs on blocking threads, and has a deadline.
#[test]
fn patterns_have_a_deadline() {
    let fixture = serve_rows(20_000, |options| {
        options.http.query_time = Duration::from_millis(100);
    });
    let likes: String = (0..50)
        .map(|n| format!("text_like=(x|y){{1,20}}{n}&"))
        .collect();
    fixture
        .get(&format!("/rows?{likes}"))
        .problem(503, "query-time");
}

#[test]
fn costly_reads_do_not_delay_other_requests() {
    let fixture = serve_rows(20_000, |options| options.http.query_time = DEADLINE);
    let mut others = fixture.client();
    others.get("/small/1").status_is(200);
    let paths = [
        costly(120),
        "/rows?_sort=text,n,id&_where={\"n\":{\"gte\":0}}".into(),
        "/rows?_embed=small&small.id_ne=5".into(),
        "/db".into(),
    ];
    // More than the server has workers.
    let clients: Vec<Client> = (0..32)
        .map(|number| {
            let mut client = fixture.client();
            ask(&mut client, &paths[number % paths.len()]);
            client
        })
        .collect();
    let mut costly_one = fixture.client();
    ask(&mut costly_one, &costly(120));
    for _ in 0..50 {
        others.get("/small/1").status_is(200);
        others.get("/rows?id=7").status_is(200);
        others.send("POST", "/small", JSON, "{}").status_is(201);
    }
    assert!(
        !costly_one.has_answer(),
        "the costly query was answered first"
    );
    drop(clients);
    assert_eq!(costly_one.reply("GET").status, 200);
}

#[test]
fn a_query_has_a_deadline() {
    let fixture = serve_rows(20_000, |options| {
        options.http.query_time = Duration::from_millis(5);
    });
    for path in [
        costly(120),
        "/rows?_expand=small&small.id_ne=5".into(),
        "/rows?q=nowhere&text_like=b.*d&_sort=a,b,c,d,e,f,g,h,i,j".into(),
    ] {
        let problem = fixture.get(&path).problem(503, "query-time");
        has(problem["hint"].as_str().unwrap(), "--query-time");
    }
    // Index lookups are not slow.
    fixture.get("/small/1").status_is(200);
}

#[cfg(target_os = "linux")]
#[test]
fn the_work_ends_when_the_client_goes() {
    let folder = folder_with(&[("db.json", data(20_000))]);
    let file = folder.path().join("db.json");
    let process =
        crate::process::Process::serve(&file, &["--query-time", "60m", "--url-limit", "32k"]);
    let clients: Vec<Client> = (0..40)
        .map(|_| {
            let mut client = Client::connect(process.address);
            ask(&mut client, &costly(120));
            client
        })
        .collect();
    let ticks = || {
        let stat = format!("/proc/{}/stat", process.child.id());
        let text = std::fs::read_to_string(stat).unwrap();
        let (_, fields) = text.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    until("they are being answered", || {
        (ticks() > before + 20).then_some(())
    });
    drop(clients);
    // Forty of them would keep it busy for minutes.
    let mut last = (ticks(), std::time::Instant::now());
    until("the process is idle", || {
        if last.1.elapsed() < Duration::from_millis(300) {
            return None;
        }
        let now = ticks();
        let is_idle = now <= last.0 + 1;
        last = (now, std::time::Instant::now());
        is_idle.then_some(())
    });
    let mut client = Client::connect(process.address);
    client.get("/rows?n=3&_limit=1").status_is(200);
}

#[test]
fn a_record_that_is_put_into_many_others_does_not_fill_the_memory() {
    // A gigabyte, because each record embeds the large one.
    let large = "x".repeat(200_000);
    let rows: Vec<String> = (1..=6000)
        .map(|id| format!("{{\"id\": {id}, \"bigId\": 1}}"))
        .collect();
    let data = format!(
        "{{\"bigs\": [{{\"id\": 1, \"text\": \"{large}\"}}], \"rows\": [{}]}}",
        rows.join(", ")
    );
    let fixture = Fixture::new(&data, None, |options| options.http.query_time = DEADLINE);
    let problem = fixture.get("/rows?_expand=big").problem(503, "query-time");
    has(problem["detail"].as_str().unwrap(), "too large");
    fixture.get("/rows?_expand=big&_limit=2").status_is(200);
}

#[cfg(target_os = "linux")]
#[test]
fn the_history_has_a_memory_limit() {
    let folder = folder_with(&[("db.json", data(1))]);
    let file = folder.path().join("db.json");
    let process =
        crate::process::Process::serve(&file, &["--memory-limit", "4m", "--durability", "written"]);
    let mut client = Client::connect(process.address);
    for number in 0..90 {
        let letter = char::from(b'a' + number % 26);
        let body = format!(
            "{{\"text\": \"{}\"}}",
            String::from(letter).repeat(1_000_000)
        );
        client.send("PUT", "/small/1", JSON, &body).status_is(200);
    }
    let kilobytes = crate::load::memory(&process);
    assert!(kilobytes < 64 * 1024, "{kilobytes} KB");
    // The last change can always be undone.
    client.send("POST", "/-/undo", NONE, "").status_is(200);
    let reply = client.get("/small/1");
    has(reply.text(), "kkkk");
}

#[test]
fn large_bodies_wait_for_room() {
    use std::io::Write;

    let fixture = serve_rows(1, |options| options.http.memory_limit = 1024 * 1024);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let body = format!("{{\"text\": \"{}\"}}", "x".repeat(9_000_000));
    encoder.write_all(body.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let mut clients: Vec<Client> = (0..4).map(|_| fixture.client()).collect();
    for client in &mut clients {
        let head = format!(
            "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        );
        client.write([head.as_bytes(), &packed].concat());
    }
    let mut others = fixture.client();
    others.send("POST", "/small", JSON, "{}").status_is(201);
    for client in &mut clients {
        assert_eq!(client.reply("POST").status, 201);
    }
}

/// A sparse file of 2 GiB.
#[cfg(target_os = "linux")]
#[test]
fn large_static_files_are_streamed() {
    use std::io::{Read, Seek, SeekFrom, Write};

    const SIZE: u64 = 2 << 30;
    let folder = folder_with(&[("db.json", data(1))]);
    let file = folder.path().join("db.json");
    std::fs::create_dir(folder.path().join("public")).unwrap();
    let mut large = std::fs::File::create(folder.path().join("public/large.bin")).unwrap();
    large.set_len(SIZE).unwrap();
    large.seek(SeekFrom::End(-4)).unwrap();
    large.write_all(b"last").unwrap();
    let process = crate::process::Process::serve(&file, &[]);
    let mut client = Client::connect(process.address);
    let size = SIZE.to_string();
    let head = client.send("HEAD", "/large.bin", NONE, "");
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some(&*size))
    );
    let tag = head.header("etag").unwrap().to_string();
    let known = client.send("GET", "/large.bin", &[("If-None-Match", &tag)], "");
    assert_eq!((known.status, known.header("content-length")), (304, None));
    let changed = client.send("GET", "/large.bin", &[("If-Match", "\"x\"")], "");
    changed.problem(412, "changed");
    let end = client.send("GET", "/large.bin", &[("Range", "bytes=-4")], "");
    assert_eq!((end.status, end.text()), (206, "last"));
    let part = client.send("GET", "/large.bin", &[("Range", "bytes=-3000000")], "");
    assert_eq!((part.status, part.body.len()), (206, 3_000_000));
    assert!(part.body.ends_with(b"last"));
    // Several clients read some megabytes of it.
    let mut clients: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(process.address).unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            write!(stream, "GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            stream
        })
        .collect();
    let mut piece = vec![0; 1 << 20];
    for _ in 0..8 {
        for stream in &mut clients {
            stream.read_exact(&mut piece).unwrap();
        }
    }
    let kilobytes = crate::load::memory(&process);
    assert!(kilobytes < 48 * 1024, "{kilobytes} KB");
    // If the file becomes shorter, the connection is closed, because the length has been sent.
    large.set_len(20 << 20).unwrap();
    let mut stream = clients.pop().unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < 20 << 20);
    client.get("/small/1").status_is(200);
}
