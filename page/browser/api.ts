// Questions to the server, one answer each.

export type Answer<Body = Record<string, unknown>> = { body: Body } | { problem: string; status: number }

/** Never rejects: a server that cannot be reached is a problem like any other. */
export async function post<Body = Record<string, unknown>>(what: string, content: object): Promise<Answer<Body>> {
  try {
    const response = await fetch(`./api/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(content),
    })
    return answerOf<Body>(response)
  } catch {
    return { problem: 'the server cannot be reached', status: 0 }
  }
}

export async function get<Body>(what: string): Promise<Answer<Body>> {
  try {
    return answerOf<Body>(await fetch(`./api/${what}`))
  } catch {
    return { problem: 'the server cannot be reached', status: 0 }
  }
}

async function answerOf<Body>(response: Response): Promise<Answer<Body>> {
  const body = await response.json()
  return response.ok ? { body } : { problem: String(body.problem ?? response.statusText), status: response.status }
}

/** An id that nobody else has; `crypto.randomUUID` is there on safe origins only. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
