//! Filters of `jq`, run with `jaq`. Functions that may run forever, or that need what is outside of the input, are not
//! offered; a filter that uses one is not run.

use std::sync::LazyLock;
use std::sync::mpsc;
use std::time::Duration;

use jaq_core::box_iter::box_once;
use jaq_core::data::JustLut;
use jaq_core::load::lex::{Lexer, StrPart, Tok, Token};
use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::native::{self, Fun};
use jaq_core::{Compiler, Ctx, Exn, ValX, Vars};
use jaq_json::{Val, read};
use jaq_std::ValT;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::compare::{short, type_name};
use super::shell::Word;
use super::text::is_one_of;

/// How many values a filter may print.
const MAX_VALUES: usize = 10_000;
/// How long a filter may run.
const TIME: Duration = Duration::from_secs(5);
/// How long a filter may be. Parentheses nest in it, so this bounds the stack, too.
const MAX_LENGTH: usize = 2_000;
const STACK: usize = 64 << 20;

/// Definitions that are left out: those of loops, and those that need functions of the time, of mathematics, of formats
/// or of the process.
const LEFT_OUT: &str = "repeat/1 recurse/0 recurse/1 recurse/2 flatten/0 flatten/1 from_entries/0 with_entries/1 while/2 until/2 range/1 range/2 combinations/0 \
     combinations/1 transpose/0 stderr/0 debug/0 debug/1 halt/0 halt_error/0 halt_error/1 logb/0 significand/0 pow10/0 \
     drem/2 nexttoward/2 scalb/2 gamma/0 capture_of_match/0 test/1 test/2 scan_/2 scan/1 scan/2 match/1 match/2 capture/1 \
     capture/2 split/2 splits/1 splits/2 sub/2 sub/3 gsub/2 gsub/3 todate/0 fromdate/0 @html/0 @htmld/0 @uri/0 @urid/0 \
     @base64/0 @base64d/0 limit/2 skip/2";

type Data = JustLut<Val>;

/// A command `jq`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    pub program: String,
    /// Whether strings are printed without quotes.
    pub raw: bool,
    /// Whether all inputs are one array.
    slurps: bool,
    /// Whether it changes values at paths, where jaq fails if there is nothing and jq does not.
    updates: bool,
    /// The variables of `--arg` and `--argjson`, each with its JSON.
    variables: Vec<(String, String)>,
}

/// Why a filter has no outputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The error of jq.
    Error(String),
    /// It was not run to its end.
    Unfinished(&'static str),
    /// It prints more or less than one value, which the page shows.
    Several(Vec<Value>),
}

impl Filter {
    /// Reads a command; its first word is the program. Otherwise says why it is not run.
    pub fn parse(words: &[Word]) -> Result<Filter, String> {
        // Options that do not change the values.
        const LAYOUT: &str = "--compact-output --color-output --monochrome-output --sort-keys --ascii-output --exit-status --tab --unbuffered";
        let mut filter = Filter::default();
        let mut program = None;
        let mut words = words.iter().skip(1).map(|word| word.text.as_str());
        while let Some(word) = words.next() {
            match word {
                "--arg" | "--argjson" => {
                    let (name, value) =
                        words.next().zip(words.next()).ok_or("a value is missing")?;
                    let json = match word {
                        "--arg" => Value::from(value).to_string(),
                        _ => value.to_owned(),
                    };
                    filter.variables.push((format!("${name}"), json));
                }
                "--indent" => _ = words.next(),
                "--raw-output" => filter.raw = true,
                "--slurp" => filter.slurps = true,
                _ if is_one_of(word, LAYOUT) => {}
                _ if word.starts_with('-') && word.len() > 1 => {
                    for letter in word.chars().skip(1) {
                        match letter {
                            'r' => filter.raw = true,
                            's' => filter.slurps = true,
                            'c' | 'C' | 'M' | 'S' | 'a' | 'e' => {}
                            _ => return Err(format!("its option `{word}` is not understood")),
                        }
                    }
                }
                _ if program.is_some() => return Err(format!("it reads the file `{word}`")),
                _ => program = Some(word),
            }
        }
        filter.program = program.unwrap_or(".").trim().to_owned();
        filter.check()?;
        Ok(filter)
    }

    /// Whether it prints its input as it is.
    pub fn prints_input(&self) -> bool {
        self.program == "." && !self.slurps
    }

    /// Whether it can be run.
    fn check(&mut self) -> Result<(), String> {
        if self.program.len() > MAX_LENGTH {
            return Err("it is long".to_owned());
        }
        let read = |filter: Filter| {
            let tokens = filter.tokens()?;
            filter.compile()?;
            Ok(tokens.iter().any(|token| has(token, &is_update)))
        };
        self.updates = on_thread(self.clone(), read).unwrap_or_else(|why| Err(why.to_owned()))?;
        Ok(())
    }

    fn tokens(&self) -> Result<Vec<Token<&str>>, String> {
        let tokens = Lexer::new(self.program.as_str()).lex();
        let tokens = tokens.map_err(|_| "it is not a valid jq filter".to_owned())?;
        // A function may call itself.
        let is_definition = |token: &Token<&str>| matches!(token.1, Tok::Word) && token.0 == "def";
        match tokens.iter().any(|token| has(token, &is_definition)) {
            true => Err("it defines functions".to_owned()),
            false => Ok(tokens),
        }
    }

    fn compile(&self) -> Result<jaq_core::Filter<Data>, String> {
        let file = File {
            code: self.program.as_str(),
            path: (),
        };
        let arena = Arena::default();
        let modules = Loader::new(DEFINITIONS.iter().cloned()).load(&arena, file);
        let modules = modules.map_err(|_| "it is not a valid jq filter".to_owned())?;
        let variables = self.variables.iter().map(|(name, _)| name.as_str());
        Compiler::default()
            .with_funs(functions())
            .with_global_vars(variables)
            .compile(modules)
            .map_err(|errors| {
                let mut unknown = errors.iter().flat_map(|(_, errors)| errors);
                let name = unknown.next().map_or("", |(name, _)| *name);
                format!("`{name}` is not supported")
            })
    }

    /// What it prints for these inputs.
    pub fn run(&self, inputs: &[Value]) -> Result<Vec<Value>, Stop> {
        let json = match self.slurps {
            true => vec![Value::from(inputs.to_vec()).to_string()],
            false => inputs.iter().map(Value::to_string).collect(),
        };
        on_thread((self.clone(), json), |(filter, json)| filter.outputs(&json))
            .unwrap_or_else(|why| Err(Stop::Unfinished(why)))
    }

    fn outputs(&self, inputs: &[String]) -> Result<Vec<Value>, Stop> {
        let filter = self.compile().map_err(Stop::Error)?;
        let value = |json: &String| {
            let value = read::parse_single(json.as_bytes());
            value.map_err(|error| Stop::Error(error.to_string()))
        };
        let variables = self.variables.iter().map(|(_, json)| value(json));
        let variables = variables.collect::<Result<Vec<Val>, _>>()?;
        let mut outputs = Vec::new();
        for input in inputs {
            let context = Ctx::<Data>::new(&filter.lut, Vars::new(variables.iter().cloned()));
            for output in filter.id.run((context, value(input)?)) {
                let output = output.map_err(|stop| match stop.get_err() {
                    Ok(error) => self.error(&error.to_string()),
                    Err(_) => Stop::Unfinished("a regular expression of jq"),
                })?;
                let json = serde_json::from_str(&output.to_string());
                // Infinite numbers, and bytes.
                outputs.push(json.map_err(|_| Stop::Unfinished("jq prints what is not JSON"))?);
                if outputs.len() > MAX_VALUES {
                    return Err(Stop::Unfinished("jq prints too much"));
                }
            }
        }
        Ok(outputs)
    }

    /// An error of jaq, if jq has it, too.
    fn error(&self, text: &str) -> Stop {
        if self.updates || text.contains("rangeable") || text.contains("out of bounds") {
            return Stop::Unfinished("jq and jaq may differ on this filter");
        }
        // jq names the type where jaq shows the whole value.
        let described = VALUE.captures(text).and_then(|found| {
            let value = serde_json::from_str(&found["value"]).ok()?;
            let (verb, kind, rest) = (&found["verb"], type_name(&value), &found["rest"]);
            Some(format!("cannot {verb} {kind} {rest}"))
        });
        Stop::Error(described.unwrap_or_else(|| short(&text.into())))
    }
}

static VALUE: LazyLock<Regex> =
    regex!(r"^cannot (?P<verb>index|use) (?P<value>.+) (?P<rest>(?:with|as) .+)$");

/// Whether a token updates values, or finds the place of something.
fn is_update(token: &Token<&str>) -> bool {
    match token.1 {
        Tok::Word => is_one_of(
            token.0,
            "del delpaths setpath paths path pick index rindex indices map_values walk",
        ),
        Tok::Sym => token.0.ends_with('=') && !is_one_of(token.0, "== != <= >="),
        _ => false,
    }
}

/// Whether there is such a token.
fn has(token: &Token<&str>, is_it: &impl Fn(&Token<&str>) -> bool) -> bool {
    is_it(token)
        || match &token.1 {
            Tok::Block(tokens) => tokens.iter().any(|inner| has(inner, is_it)),
            Tok::Str(parts) => {
                let in_part = |part: &_| matches!(part, StrPart::Term(inner) if has(inner, is_it));
                parts.iter().any(in_part)
            }
            Tok::Word | Tok::Var | Tok::Fmt | Tok::Num | Tok::Sym => false,
        }
}

/// Runs `work` on a thread with a large stack, for a limited time. A thread that takes longer is left alone; it ends with
/// the process.
fn on_thread<I: Send + 'static, O: Send + 'static>(
    input: I,
    work: fn(I) -> O,
) -> Result<O, &'static str> {
    let (sender, receiver) = mpsc::channel();
    let started = std::thread::Builder::new()
        .stack_size(STACK)
        // Nobody waits any more if it cannot be sent.
        .spawn(move || sender.send(work(input)).ok());
    started.map_err(|_| "jq could not be started")?;
    receiver.recv_timeout(TIME).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => "jq takes too long",
        mpsc::RecvTimeoutError::Disconnected => "jq could not be run",
    })
}

static DEFINITIONS: LazyLock<Vec<Def<&'static str>>> = LazyLock::new(|| {
    let own = load::parse(include_str!("jq.jq"), |parser| parser.defs()).unwrap_or_default();
    let library = jaq_core::defs().chain(jaq_std::defs());
    let library = library.chain(jaq_json::defs());
    let is_offered = |def: &Def<&str>| {
        let name = format!("{}/{}", def.name, def.args.len());
        !is_one_of(&name, LEFT_OUT)
    };
    library.filter(is_offered).chain(own).collect()
});

fn functions() -> impl Iterator<Item = Fun<Data>> {
    let library = jaq_core::funs::<Data>()
        .chain(jaq_std::base_funs())
        .chain(jaq_json::funs());
    let own: Fun<Data> = native::run(("matches_regex", native::v(2), |mut cv| {
        let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
        box_once(matches(&cv.1, &pattern, &flags))
    }));
    library
        .filter(|(name, _, _)| !is_one_of(name, "range halt"))
        .chain([own])
}

/// Whether a text matches a regular expression. One that is not understood ends the filter, as jq may understand it.
fn matches<'a>(text: &Val, pattern: &Val, flags: &Val) -> ValX<'a, Val> {
    let string = |value: &Val| {
        let bytes = value.as_utf8_bytes().map(String::from_utf8_lossy);
        let text = bytes.map(|text| text.into_owned());
        text.ok_or_else(|| {
            let text = format!("{value} cannot be matched, as it is not a string");
            Exn::from(jaq_json::Error::str(text))
        })
    };
    let flags = match flags {
        Val::Null => String::new(),
        flags => string(flags)?,
    };
    let regex = RegexBuilder::new(&string(pattern)?)
        .case_insensitive(flags.contains('i'))
        .ignore_whitespace(flags.contains('x'))
        .dot_matches_new_line(flags.contains(['s', 'p']))
        .build()
        .map_err(|_| Exn::halt(1))?;
    Ok(regex.is_match(&string(text)?).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::shell;
    use super::*;

    fn filter(arguments: &str) -> Result<Filter, String> {
        Filter::parse(&shell::command(&format!("jq {arguments}"), 0).words)
    }

    fn outputs(arguments: &str, input: &Value) -> Result<Vec<Value>, Stop> {
        filter(arguments).unwrap().run(std::slice::from_ref(input))
    }

    /// The outputs of jq 1.6.
    #[test]
    fn filters_print_what_jq_prints() {
        let users = json!([
            {"id": 1, "name": "Ada", "age": 36.5, "tags": ["a", "b"], "home": {"city": "London"}},
            {"id": 2, "name": "Bob", "age": 4, "tags": [], "home": null, "admin": true},
        ]);
        let rows = [
            (".[0].name", vec![json!("Ada")]),
            ("length", vec![json!(2)]),
            ("'.[] | .id'", vec![json!(1), json!(2)]),
            (
                "'.[] | select(.id == 2) | {id, n: .name}'",
                vec![json!({"id": 2, "n": "Bob"})],
            ),
            (
                "'map(select(.name | test(\"^a\"; \"i\")).id)'",
                vec![json!([1])],
            ),
            (
                "'map(.home.city // \"none\")'",
                vec![json!(["London", "none"])],
            ),
            (
                "'.[0] | keys'",
                vec![json!(["age", "home", "id", "name", "tags"])],
            ),
            (
                "'.[0].home | to_entries'",
                vec![json!([{"key": "city", "value": "London"}])],
            ),
            ("'[.[].tags | join(\", \")]'", vec![json!(["a, b", ""])]),
            ("'map(.tags) | flatten'", vec![json!(["a", "b"])]),
            ("'[[1, [2]]] | flatten(1)'", vec![json!([1, [2]])]),
            (
                "'map({key: .name, value: .id}) | from_entries'",
                vec![json!({"Ada": 1, "Bob": 2})],
            ),
            (
                "'[null, 1, true, \"x\"] | join(\"-\")'",
                vec![json!("-1-true-x")],
            ),
            (
                "'.[] | [.id, .name, .admin] | @csv'",
                vec![json!("1,\"Ada\","), json!("2,\"Bob\",true")],
            ),
            (
                "'.[] | [.id, .name, .admin] | @tsv'",
                vec![json!("1\tAda\t"), json!("2\tBob\ttrue")],
            ),
            ("'sort_by(.age) | map(.id)'", vec![json!([2, 1])]),
            ("'map(.id) | add'", vec![json!(3)]),
            (
                "'.[] | \"\\(.id): \\(.name)\"'",
                vec![json!("1: Ada"), json!("2: Bob")],
            ),
            ("'reduce .[] as $user (0; . + $user.id)'", vec![json!(3)]),
            ("'[recurse | numbers]'", vec![json!([1, 36.5, 2, 4])]),
            (
                "'.[1] | del(.tags, .home, .age)'",
                vec![json!({"id": 2, "name": "Bob", "admin": true})],
            ),
            (
                "--arg who Bob '.[] | select(.name == $who).id'",
                vec![json!(2)],
            ),
            (
                "--argjson id 1 '.[] | select(.id == $id).name'",
                vec![json!("Ada")],
            ),
            ("-s '.[0] | length'", vec![json!(2)]),
            ("'.[] | select(.id == 9)'", vec![]),
        ];
        for (arguments, expected) in rows {
            assert_eq!(outputs(arguments, &users), Ok(expected), "{arguments}");
        }
    }

    #[test]
    fn errors_are_those_of_jq() {
        let input = json!({"data": [1], "name": "Ada"});
        for arguments in [
            ".name[0]",
            ".name.x",
            "'.data.x'",
            "'.missing[]'",
            "'.name | keys'",
        ] {
            let stop = outputs(arguments, &input);
            assert!(matches!(stop, Err(Stop::Error(_))), "{arguments}: {stop:?}");
        }
        // Where jq goes on, or may do so.
        for arguments in [
            "'.a.b = 1'",
            "'del(.a.b)'",
            "'.missing[1:]'",
            "'.name | test(\"(?<!x)a\")'",
        ] {
            let stop = outputs(arguments, &input);
            assert!(
                matches!(stop, Err(Stop::Unfinished(_))),
                "{arguments}: {stop:?}"
            );
        }
    }

    #[test]
    fn what_may_run_forever_or_reads_more_is_not_run() {
        let rows = [
            ("'repeat(.)'", "`repeat`"),
            ("'recurse(. + 1)'", "`recurse`"),
            ("'[while(true; .)]'", "`while`"),
            ("'until(false; .)'", "`until`"),
            ("'[range(1e12)]'", "`range`"),
            ("'[.[] | combinations(9)]'", "`combinations`"),
            ("'def f: f; f'", "defines"),
            ("'\"\\(def f: f; f)\"'", "defines"),
            ("'env.HOME'", "`env`"),
            ("'$ENV.HOME'", "`$ENV`"),
            ("'input'", "`input`"),
            ("'now'", "`now`"),
            ("'halt'", "`halt`"),
            ("'include \"x\"; .'", "not a valid jq filter"),
            ("'.['", "not a valid jq filter"),
            (". users.json", "reads the file"),
            ("-n '1'", "option `-n`"),
            ("--stream .", "option `--stream`"),
        ];
        for (arguments, reason) in rows {
            let said = filter(arguments).unwrap_err();
            assert!(said.contains(reason), "{arguments}: {said}");
        }
        let long = format!("'{}1{}'", "(".repeat(5_000), ")".repeat(5_000));
        assert_eq!(filter(&long), Err("it is long".to_owned()));
        let deep = format!("'{}1{}'", "[".repeat(900), "]".repeat(900));
        let _ = filter(&deep).map(|filter| filter.run(&[json!(1)]));
    }

    #[test]
    fn what_takes_too_long_or_prints_too_much_is_ended() {
        let input = json!(vec![1; 300]);
        let loops = ".[] as $a | .[] as $b".to_owned();
        assert_eq!(
            outputs(&format!("'{loops} | 1'"), &input),
            Err(Stop::Unfinished("jq prints too much"))
        );
    }
}
