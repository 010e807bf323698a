% rebase("layout", heading="Your ticket – " + ticket.title)
<h1 class="quiet">Here is your {{"ticket" if ticket.quantity == 1 else "order"}}.</h1>
<article class="ticket" aria-label="Ticket">
  <section class="face">
    <p class="event">{{ticket.title}}</p>
    <p class="holder">{{ticket.buyer}}</p>
    <dl class="facts">
      <div><dt>Ticket</dt><dd>{{ticket.type}}</dd></div>
      <div><dt>Admits</dt><dd>{{ticket.quantity}}</dd></div>
% if ticket.total:
      <div><dt>Price</dt><dd>{{ticket.total}}</dd></div>
% end
      <div><dt>Status</dt><dd>{{ticket.status}}</dd></div>
    </dl>
  </section>
  <section class="stub">
    <dl>
      <div><dt>Order</dt><dd class="number"><span>{{ticket.number[:19]}}</span> <span>{{ticket.number[20:]}}</span></dd></div>
      <div><dt>Bought</dt><dd><time datetime="{{ticket.bought_at}}">{{ticket.bought}}</time></dd></div>
    </dl>
  </section>
</article>
<p class="small">Keep the address of this page: it is your proof of purchase. Whoever has it can show the ticket.</p>
<p class="again"><a href="/">Back to the box office</a></p>
