import standin from "./index.js";

export const { start, binaryPath } = standin;
