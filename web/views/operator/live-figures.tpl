% from core.cluster.status import namer
% from core.schema.sale_window import sale_phase
% from web.operator.formatting import money_of
% from web.operator import formatting
% if trouble:
<p class="notice bad" role="status">{{trouble}}</p>
% end
% if status:
<div class="head">
  <h1 class="{{"well" if status.healthy else "ill"}}" role="status">{{say("operators.selling" if sells and status.healthy else "operators.selling-degraded" if sells else "operators.selling-nothing")}}</h1>
  <p class="as-of">{{say("operators.as-of", at=formatting.moment(status.at))}}</p>
</div>
%   if status.problems and visit.access.opens("machine"):
<ul class="problems">
%     for found in status.problems:
  <li>{{found}}</li>
%     end
</ul>
%   end
% end
% if sales.stale and sales.rows:
<p class="notice bad" role="status">{{say("operators.sales-stale", at=formatting.moment(sales.at))}}</p>
% end
% if sales.rows:
<section class="sales" aria-label="{{say("operators.events")}}">
%   for row in sales.rows:
%     event = row.event
%     state = "draft" if event.status == "draft" else sale_phase(event, now)
%     share = 100 * row.sold / row.capacity if row.capacity else 0
  <article class="sale">
    <h2><a href="/operator/events/{{event.name}}">{{event.title}}</a></h2>
    <p class="sale-{{state}}">{{say(f"operators.sale.{'sold-out' if state == 'open' and not row.left else state}")}}</p>
    <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="6"/><rect class="sold" width="{{f"{share:.1f}"}}" height="6"/></svg>
    <dl>
      <div class="first"><dt>{{say("operators.sold")}}</dt><dd>{{say("operators.so-many-of", count=f"{row.sold:,}", all=f"{row.capacity:,}")}}</dd></div>
      <div><dt>{{say("operators.left")}}</dt><dd>{{f"{row.left:,}"}}</dd></div>
%     if row.held:
      <div><dt>{{say("operators.held")}}</dt><dd>{{f"{row.held:,}"}}</dd></div>
%     end
      <div><dt>{{say("operators.takings")}}</dt><dd>
%     if row.total is None:
        –
%     else:
        <a href="/operator/orders?event={{event.name}}" title="{{say("operators.as-of", at=formatting.moment(row.total_at))}}">{{money_of(language, event, row.total)}}</a>
%     end
      </dd></div>
      <div><dt>{{say("operators.admitted")}}</dt><dd>{{say("operators.so-many-of", count=f"{row.admitted:,}", all=f"{row.sold:,}")}}</dd></div>
    </dl>
  </article>
%   end
</section>
% end
% if visit.access.opens("machine"):
<section class="plots" aria-label="{{say("operators.plots")}}">
% for plot in plots:
  <figure class="plot" data-top="{{plot.top}}" data-unit="{{plot.unit}}">
    <figcaption>
      <h2>{{say(f"operators.plot.{plot.name}")}}</h2>
      <ul class="legend">
%   for line in plot.lines:
        <li class="c{{line.number}}"><span>{{say(f"operators.line.{line.name}") if plot.fixed else line.name}}</span> <b>{{formatting.figure(line.now)}}</b></li>
%   end
%   if plot.left_out:
        <li>{{say("operators.left-out", count=plot.left_out)}}</li>
%   end
      </ul>
    </figcaption>
    <div class="field">
      <span class="top">{{formatting.figure(plot.top)}}{{plot.unit}}</span>
      <svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label="{{say("operators.plot-of", name=say(f"operators.plot.{plot.name}"), minutes=minutes)}}">
        <path class="grid" d="M0 0H600M0 50H600M0 100H600"/>
%   for line in plot.lines:
        <path class="line c{{line.number}}" d="{{line.path}}"/>
%   end
      </svg>
    </div>
  </figure>
% end
</section>
<p class="span">{{say("operators.span", minutes=minutes)}}
% for choice in choices:
%   if choice != minutes:
  <a href="/operator?minutes={{choice}}">{{say("operators.minutes", count=choice)}}</a>
%   end
% end
</p>
% end
% if status and visit.access.opens("machine"):
% name = namer((*status.workers, *status.web))
% own = formatting.own(status)
<section>
  <div class="caption"><h2>{{say("operators.processes")}}</h2>
    <form class="inline" action="/operator/act/scale">
      <label for="workers">{{say("operators.workers")}}</label>
      <input id="workers" name="workers" type="number" min="1" max="64" required value="{{sum(map(own, status.workers)) or 1}}">
      <button>{{say("operators.scale")}}</button>
    </form>
    <a class="button" href="/operator/act/restart">{{say("operators.restart-all")}}</a>
  </div>
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.processes")}}">
  <table>
    <thead><tr>
      <th scope="col">{{say("operators.process")}}</th><th scope="col">{{say("operators.state")}}</th><th scope="col">{{say("operators.pid")}}</th>
      <th scope="col" class="n">{{say("operators.cpu")}}</th><th scope="col" class="n">MiB</th><th scope="col" class="n">{{say("operators.open")}}</th>
      <th scope="col" class="n">{{say("operators.sold-since")}}</th><th scope="col" class="n">{{say("operators.sold-s")}}</th><th scope="col" class="n">{{say("operators.slowest")}}</th>
      <th scope="col" class="n">{{say("operators.restarts")}}</th><th scope="col"><span class="unseen">{{say("operators.acts")}}</span></th>
    </tr></thead>
    <tbody>
%   for each in status.workers:
    <tr>
      <th scope="row">{{name(each)}}</th><td class="{{formatting.well(each.state) if status.ensemble.quorum else "ill"}}">{{formatting.state(say, each.state) if status.ensemble.quorum else say("operators.state.no-quorum")}}</td><td>{{each.pid or "–"}}</td>
      <td class="n">{{f"{each.cpu_percent:.0f}"}}</td><td class="n">{{each.rss_bytes // 1048576}}</td><td class="n">{{each.in_flight}}</td>
      <td class="n">{{f"{each.sold_total:,}"}}</td><td class="n">{{formatting.figure(each.sold_per_second)}}</td><td class="n">{{formatting.figure(each.p99_ms)}}</td>
      <td class="n" title="{{each.last_restart_reason or ""}}">{{each.restarts}}</td><td>
%     if own(each):
        <a class="button" href="/operator/act/restart?name={{each.name}}" aria-label="{{say("operators.restart-one", name=each.name)}}">{{say("operators.restart")}}</a>
%     end
      </td>
    </tr>
%   end
%   for each in status.web:
    <tr>
      <th scope="row">{{name(each)}}</th><td class="{{formatting.well(each.state)}}">{{formatting.state(say, each.state)}}</td><td>{{each.pid or "–"}}</td>
      <td class="n">{{f"{each.cpu_percent:.0f}"}}</td><td class="n">{{each.rss_bytes // 1048576}}</td><td class="n"></td><td class="n"></td><td class="n"></td><td class="n"></td>
      <td class="n" title="{{each.last_restart_reason or ""}}">{{each.restarts}}</td><td>
%     if own(each):
        <a class="button" href="/operator/act/restart?name={{each.name}}" aria-label="{{say("operators.restart-one", name=each.name)}}">{{say("operators.restart")}}</a>
%     end
      </td>
    </tr>
%   end
    </tbody>
  </table>
  </div>
%   for each in (*status.workers, *status.web):
%     if each.last_restart_reason:
  <p class="hint">↻ {{name(each)}}: {{each.last_restart_reason}}</p>
%     end
%   end
%   requests = status.supervisor.requests[-3:] if status.supervisor else ()
%   if requests:
  <ul class="requests">
%     for each in reversed(requests):
    <li class="{{"ill" if each.state == "failed" else ""}}"><b>{{say(f"operators.request.{each.state}")}}</b> {{each.text}}</li>
%     end
  </ul>
%   end
</section>
%   for event in status.events[:20]:
<section>
  <div class="caption"><h2><a href="/operator/events/{{event.name}}">{{event.title}}</a></h2> <code>{{event.name}}</code>
    <a class="button" href="/operator/events/{{event.name}}">{{say("operators.change-sale")}}</a>
  </div>
  <div class="wide" tabindex="0" role="region" aria-label="{{event.title}}">
  <table>
    <thead><tr><th scope="col">{{say("operators.type")}}</th><th scope="col" class="n">{{say("operators.capacity")}}</th><th scope="col" class="n">{{say("operators.sold")}}</th><th scope="col" class="n">{{say("operators.held")}}</th><th scope="col" class="n">{{say("operators.remaining")}}</th><th scope="col"><span class="unseen">{{say("operators.share")}}</span></th></tr></thead>
    <tbody>
%     for type_ in event.types:
%       share = 100 * type_.sold / type_.capacity if type_.capacity else 0
    <tr><th scope="row">{{type_.label or type_.name}}</th><td class="n">{{f"{type_.capacity:,}"}}</td><td class="n">{{f"{type_.sold:,}"}}</td><td class="n">{{f"{type_.held:,}"}}</td><td class="n">{{f"{type_.remaining:,}"}}</td>
      <td class="share"><svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="6"/><rect class="sold" width="{{f"{share:.1f}"}}" height="6"/></svg></td></tr>
%     end
    </tbody>
  </table>
  </div>
</section>
%   end
<section>
  <h2>{{say("operators.ensemble")}}</h2>
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.ensemble")}}">
  <table>
    <thead><tr><th scope="col">{{say("operators.server")}}</th><th scope="col">{{say("operators.role")}}</th><th scope="col">{{say("operators.address")}}</th><th scope="col">{{say("operators.pid")}}</th><th scope="col">{{say("operators.version")}}</th></tr></thead>
    <tbody>
%   for server in status.ensemble.servers:
    <tr><th scope="row">{{server.id}}</th><td class="{{"ill" if server.role == "down" else "well"}}">{{say(f"operators.role.{server.role}")}}</td><td>{{server.address}}</td><td>{{server.pid or "–"}}</td><td>{{server.version or "–"}}</td></tr>
%   end
    </tbody>
  </table>
  </div>
</section>
% end
