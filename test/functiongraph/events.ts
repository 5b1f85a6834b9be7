import { eventOf } from "../corridor/corridor.ts"

// test/events with the present time: a function in a process of its own uses the system's clock.

const iso = (at: number) => new Date(at).toISOString()

/** Cloud Eye's alarm by the SMN trigger. Two alarms of the same moment are the same alarm. */
export function smnAlarm(at = Date.now()): unknown {
  const event = eventOf("functiongraph-smn-cloud-eye-alarm") as {
    record: [{ smn: { message: string; timestamp: string } }]
  }
  const [{ smn }] = event.record
  smn.timestamp = iso(at)
  smn.message = JSON.stringify({
    ...JSON.parse(smn.message),
    time: at,
    alarmValue: [{ time: at, value: 97 }],
  })
  return event
}

export function timerTick(userEvent: string, at = Date.now()): unknown {
  return { ...eventOf("functiongraph-timer"), time: iso(at), user_event: userEvent }
}

/** Alertmanager's webhook by APIG. */
export function apigWebhook(): unknown {
  const event = eventOf("functiongraph-apig-alertmanager")
  const body = JSON.parse(Buffer.from(String(event["body"]), "base64").toString("utf8"))
  for (const alert of body.alerts) alert.startsAt = iso(Date.now() - 60_000)
  return { ...event, body: Buffer.from(JSON.stringify(body)).toString("base64") }
}

export function dryRun(): unknown {
  return { supernode: "train-a", mode: "dry-run", servers: 4, requestedBy: "ann", why: "a look" }
}
