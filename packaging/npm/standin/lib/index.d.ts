export interface StartOptions {
  /**
   * The data: the path of a JSON file, or the data itself. Writes go to the file; data that is passed as an object is
   * kept in memory. Default: `"db.json"`.
   */
  data?: string | object;
  /** The rules: the path of a JSON Schema, or the schema itself. Default: `NAME.schema.json` beside `NAME.json`. */
  rules?: string | object;
  /** The port; 0 (the default) picks a free one. */
  port?: number;
  /** The host name or address to listen on. Default: `"localhost"`. */
  host?: string;
  /** Accept writes without saving them to the file. */
  ephemeral?: boolean;
  /** Answer only GET, HEAD and OPTIONS. */
  readOnly?: boolean;
  /** The path of a routes file. */
  routes?: string;
  /** Milliseconds by which each response is delayed. */
  delay?: number | string;
  /** The property that holds a record's id. Default: `"id"`. */
  id?: string;
  /** The suffix of foreign keys. Default: `"Id"`. */
  foreignKeySuffix?: string;
  /** More command-line arguments, as `standin --help` lists them. */
  args?: readonly string[];
  /** Milliseconds to wait for the server to start. Default: 10000. */
  timeout?: number;
}

export interface StandinServer {
  /** The address, for example `http://localhost:41234`, without a trailing slash. */
  readonly url: string;
  /** The port. */
  readonly port: number;
  /** Resets the data to the state at the start, or to a named snapshot. */
  reset(snapshot?: string): Promise<void>;
  /** Stops the server and waits until it has ended. Calling it twice is fine. */
  stop(): Promise<void>;
  /** Calls `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server and waits until it accepts requests. It ends with this process at the latest.
 *
 * @throws if the data or an option is not valid; the message is the program's output.
 */
export function start(options?: StartOptions): Promise<StandinServer>;

/** The path of the program for this platform; `STANDIN_BINARY` overrides it. */
export function binaryPath(): string;
