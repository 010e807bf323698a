% rebase("layout", heading=say("ticket.title", event=ticket.event.title), scripts=["order.js"], sheets=["ticket.css"])
<div id="order" data-status="{{ticket.state}}">
<h1 class="quiet" tabindex="-1">{{ticket.greeting}}</h1>
<div class="notice bad" id="problem" role="alert"{{!"" if ticket.notice else " hidden"}}><p>{{ticket.notice}}</p></div>
<article class="ticket {{ticket.state}}" aria-label="{{say("ticket.label")}}">
% if ticket.code:
  <section class="pass">
    <div class="code" role="img" aria-label="{{say("ticket.code")}}">{{!ticket.code}}</div>
    <p class="admits">{{say("ticket.admits-count", count=ticket.order.quantity)}}</p>
% if ticket.to_pay:
    <p class="owed">{{ticket.to_pay}}</p>
% end
    <p class="number">{{ticket.order.number}}</p>
  </section>
% end
  <section class="face">
    <p class="event">{{ticket.event.title}}</p>
% if ticket.event.starts or ticket.event.place:
    <p class="where">
% if ticket.event.starts:
      <time datetime="{{ticket.event.starts_at}}">{{ticket.event.starts}}</time>
% end
% if ticket.event.place:
      <span>{{ticket.event.place}}</span>
% end
    </p>
% end
    <p class="holder">{{ticket.order.buyer}}</p>
    <dl class="facts">
      <div><dt>{{say("ticket.type")}}</dt><dd>{{ticket.order.quantity}} × {{ticket.type}}</dd></div>
      <div><dt>{{ticket.price.label}}</dt><dd>{{ticket.price.text}}</dd></div>
      <div><dt>{{say("ticket.status")}}</dt><dd class="status">{{ticket.status}}</dd></div>
      <div><dt>{{say("ticket.bought")}}</dt><dd><time datetime="{{ticket.order.created_at}}">{{ticket.bought}}</time></dd></div>
% if ticket.checked_in:
      <div><dt>{{say("ticket.checked-in")}}</dt><dd><time datetime="{{ticket.order.checked_in_at}}">{{ticket.checked_in}}</time></dd></div>
% end
% if not ticket.code:
      <div><dt>{{say("ticket.order")}}</dt><dd class="number">{{ticket.order.number}}</dd></div>
% end
    </dl>
  </section>
</article>
% if ticket.code:
<p class="small">{{say("ticket.keep")}}</p>
% end
% if ticket.calendar or ticket.code:
<ul class="actions">
% if ticket.calendar:
  <li><a href="/orders/{{ticket.order.order}}/calendar.ics" download>{{ticket.calendar}}</a></li>
% end
% if ticket.code:
  <li hidden><button type="button" data-does="copy">{{say("ticket.copy")}}</button></li>
  <li hidden><button type="button" data-does="share">{{say("ticket.share")}}</button></li>
  <li hidden><button type="button" data-does="print">{{say("ticket.print")}}</button></li>
% end
</ul>
% end
<p class="back"><a href="/?event={{ticket.order.event}}">{{say("ticket.back")}}</a></p>
% if ticket.cancellable:
<details class="cancel">
<summary>{{say("ticket.cancel")}}</summary>
<p>{{say("ticket.cancel-means")}}</p>
<form class="act" method="post" action="/orders/{{ticket.order.order}}/cancel">
<button class="second bad">{{say("ticket.cancel-now")}}</button>
</form>
</details>
% end
</div>
<p class="news" id="news" role="status"></p>
