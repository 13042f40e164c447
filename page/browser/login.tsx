// Asks for the token where the address did not bring it.
import { useState } from 'preact/hooks'
import { post } from './api.ts'
import { begin } from './stream.ts'

export function Login() {
  const [problem, setProblem] = useState('')
  async function enter(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const { value } = (event.currentTarget as HTMLFormElement).elements.namedItem('token') as HTMLInputElement
    const answer = await post('login', { token: value.trim() })
    if ('problem' in answer) setProblem(answer.problem)
    else await begin()
  }
  return (
    <main class="login">
      <form onSubmit={enter}>
        <h1>tollgate-fleet</h1>
        <label>
          Token
          <input name="token" type="password" autocomplete="off" required />
        </label>
        <p class="faint">It stands in the address that the server printed when it started.</p>
        <p role="status" class={problem === '' ? '' : 'warning'}>
          {problem}
        </p>
        <button type="submit" class="main">
          Open
        </button>
      </form>
    </main>
  )
}

/** The token of the address, which is then gone from it: nobody reads it over a shoulder or out of the history. */
export async function takeTokenOfAddress(): Promise<void> {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? []
  if (token === undefined) return
  history.replaceState(null, '', location.pathname + location.search)
  await post('login', { token: decodeURIComponent(token) })
}
