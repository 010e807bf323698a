% from web.operator import formatting
% rebase("page-layout", heading=say("operators.order-title", buyer=order.buyer), here="orders")
% if done == "cancel":
<p class="notice" role="status">{{say("operators.done.cancel")}}</p>
% end
<div class="caption"><h1>{{order.buyer}}</h1>
  <div class="inline">
% if order.status == "sold" and not order.checked_in_at:
    <a class="button" href="/operator/orders/{{order.order}}/cancel">{{say("operators.cancel")}}</a>
% end
    <a class="button" href="/orders/{{order.order}}">{{say("operators.ticket")}}</a>
  </div>
</div>
<dl class="facts">
  <div><dt>{{say("operators.state")}}</dt><dd><b>{{say(f"ticket.status.{'checked-in' if order.checked_in_at else order.status}")}}</b></dd></div>
  <div><dt>{{say("operators.event")}}</dt><dd><a href="/operator/events/{{order.event}}">{{title}}</a></dd></div>
  <div><dt>{{say("operators.type")}}</dt><dd>{{order.quantity}} × {{label}}</dd></div>
  <div><dt>{{say("ticket.price")}}</dt><dd>{{total}}</dd></div>
  <div><dt>{{say("ticket.order")}}</dt><dd><code>{{order.number}}</code></dd></div>
  <div class="whole"><dt>{{say("operators.order-code")}}</dt><dd><code>{{order.code}}</code></dd></div>
  <div class="whole"><dt>{{say("operators.order-id")}}</dt><dd><code>{{order.order}}</code></dd></div>
</dl>
% if order.payments:
<section>
  <h2>{{say("operators.payments")}}</h2>
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.payments")}}">
  <table>
    <thead><tr><th scope="col">{{say("operators.time")}}</th><th scope="col">{{say("operators.payment")}}</th><th scope="col" class="n">{{say("ticket.price")}}</th><th scope="col">{{say("operators.state")}}</th></tr></thead>
    <tbody>
% for each in order.payments:
    <tr><td><time>{{each.at}}</time></td><td>{{each.id}}</td><td class="n">{{amount(each)}}</td><td>{{say("operators.payment-counts") if each.counts else say(f"heading.{each.refused}") + ("" if each.refused == "payment-used" else say("operators.payment-refund"))}}</td></tr>
% end
    </tbody>
  </table>
  </div>
% if order.more_payments:
  <p class="hint">{{say("operators.payments-more")}}</p>
% end
</section>
% end
<section>
  <h2>{{say("operators.life")}}</h2>
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.life")}}">
  <table class="log">
    <thead><tr><th scope="col">{{say("operators.time")}}</th><th scope="col">{{say("operators.by")}}</th><th scope="col">{{say("operators.what")}}</th><th scope="col">{{say("operators.entry")}}</th></tr></thead>
    <tbody>
% for each in life.moments:
    <tr><td><time>{{formatting.stamp(each.at)}}</time></td><td>{{each.who}}</td><td>{{each.what}}</td><td>{{each.text}}</td></tr>
% end
    </tbody>
  </table>
  </div>
% if not life.whole:
  <p class="hint">{{say("operators.life-cut")}}</p>
% end
</section>
