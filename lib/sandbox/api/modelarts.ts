import * as z from "zod"
import type { ApiRequest } from "../api-request.ts"
import { jsonBodyOf } from "../json-body.ts"
import { ok, type SandboxResponse, serviceError } from "../response.ts"
import { sayIssue } from "../world/problem.ts"
import type { LiveSupernode } from "../world/supernode.ts"
import { trace, type World } from "../world/world.ts"
import { scaleUp } from "./scale-up.ts"
import { readScaleUpBody } from "./scale-up-body.ts"
import { serverBody, supernodeBody } from "./view.ts"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `must be ${min} to ${max}` })

/** Paging of lists: limit 1 to 1024, 10 by default; offset counts records. */
const paging = z.strictObject({
  limit: whole(1, 1024).default(10),
  offset: whole(0, 2_147_483_647).default(0),
})
const listing = paging.extend({
  sort_dir: z.enum(["ASC", "DESC"]).default("DESC"),
  sort_key: z.enum(["createTime", "updateTime"]).default("createTime"),
})
const nothing = z.strictObject({})

/** Answers a request to ModelArts with a valid signature. */
export function answerModelArts(world: World, request: ApiRequest): SandboxResponse {
  if (request.route.operation === "supernodes") return listSupernodes(world, request)
  if (!UUID.test(request.route.supernodeId)) return badParameter("id must be a lower-case UUID")
  const supernode = ofProject(world, request).find((one) => one.id === request.route.supernodeId)
  // The documented answer for a missing resource is a 400, not a 404.
  if (!supernode) return serviceError(400, "ModelArts.6404", `${request.route.supernodeId} does not exist.`)
  return answerAbout(world, supernode, request)
}

function answerAbout(world: World, supernode: LiveSupernode, request: ApiRequest): SandboxResponse {
  switch (request.route.operation) {
    case "supernode":
      return withQuery(request, nothing, () => ok(supernodeBody(supernode)))
    case "servers":
      return withQuery(request, paging, (page) =>
        ok(
          pageOf(
            supernode.servers.map((server) => serverBody(supernode, server)),
            page,
          ),
        ),
      )
    case "offers":
      return withQuery(request, nothing, () => ok({ evaluations: supernode.offers.map(evaluationOf) }))
    case "scale-up":
      return withQuery(request, nothing, () => answerScaleUp(world, supernode, request))
    case "supernodes":
    case "metrics":
    case "metric-list":
    case "order":
    case "traces":
      throw new TypeError(`${request.route.operation} does not concern one supernode`)
  }
}

function answerScaleUp(world: World, supernode: LiveSupernode, request: ApiRequest): SandboxResponse {
  const json = jsonBodyOf({ contentType: request.headers["content-type"], body: request.body })
  if (!json.ok) return serviceError(400, "ModelArts.6400", json.why)
  const read = readScaleUpBody(json.value)
  const { requestId } = request
  const response = read.ok ? scaleUp(world, { supernode, body: read.body, requestId }) : read.response
  const flavor = read.ok ? read.body.flavor : null
  trace(world, { supernode, user: "sandbox", source: "ApiCall", status: response.status, flavor, requestId })
  return response
}

function listSupernodes(world: World, request: ApiRequest): SandboxResponse {
  return withQuery(request, listing, (query) => {
    const timeOf = (one: LiveSupernode): number =>
      query.sort_key === "createTime" ? one.createAt : one.updateAt
    const sign = query.sort_dir === "ASC" ? 1 : -1
    const sorted = [...ofProject(world, request)].sort((a, b) => sign * (timeOf(a) - timeOf(b)))
    return ok(pageOf(sorted.map(supernodeBody), query))
  })
}

function evaluationOf({ flavor, soldOut }: LiveSupernode["offers"][number]): Record<string, unknown> {
  return { flavor, is_sold_out: soldOut, resource_flavor: `modelarts.hps.${flavor}` }
}

function ofProject(world: World, request: ApiRequest): LiveSupernode[] {
  return world.supernodes.filter((supernode) => supernode.projectId === request.route.projectId)
}

/** The list wrapper: `current` is the page's number from 1, `size` the maximum number of records per page. */
function pageOf(
  all: unknown[],
  { limit, offset }: { limit: number; offset: number },
): Record<string, unknown> {
  return {
    current: Math.floor(offset / limit) + 1,
    data: all.slice(offset, offset + limit),
    pages: Math.ceil(all.length / limit),
    size: limit,
    total: all.length,
  }
}

function withQuery<S extends z.ZodType>(
  request: ApiRequest,
  schema: S,
  act: (query: z.output<S>) => SandboxResponse,
): SandboxResponse {
  const parsed = schema.safeParse(Object.fromEntries(new URLSearchParams(request.query)))
  return parsed.success ? act(parsed.data) : badParameter(parsed.error.issues.map(sayIssue).join("; "))
}

function badParameter(message: string): SandboxResponse {
  return serviceError(400, "ModelArts.0101", message)
}
