// The simulation is able to fail: each of these defects, planted into a copy of the shipping code, is found.
import { afterAll, describe, expect, it } from "vitest";
import { shortensSlowTests } from "../contract/current-runtime.ts";
import { plant, removePlanted } from "./planted-copy.ts";
import { PLANTED_DEFECTS } from "./planted-defects.ts";
import { programAt, search } from "./search.ts";
import { simulate } from "./simulation.ts";
import { shippingSystem } from "./system.ts";

// Where the known program does not find it any more, because programs are made otherwise now, others are tried.
const MOST_PROGRAMS = 4000;

afterAll(removePlanted);
